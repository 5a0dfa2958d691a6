#include "http/exchange.h"

#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace tpx::http {
namespace {

/// How often a worker that waits for others' memory looks again: nobody tells it.
constexpr std::chrono::milliseconds kRetry{10};
/// Of one send(): head, size of the chunk, two parts of its body, its end.
constexpr std::size_t kMostPieces = 8;

}  // namespace

void ReadyConnections::post(std::uint64_t connection) noexcept {
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = news_.connections.empty() && !news_.any;
    try {
      news_.connections.push_back(connection);
    } catch (const std::bad_alloc&) {
      news_.any = true;
    }
  }
  if (first) {
    wake();
  }
}

void ReadyConnections::wake() {
  (void)::eventfd_write(wake_.get(), 1);
}

ReadyConnections::News ReadyConnections::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(news_, {});
}

Exchange::Exchange(RequestHead head, std::string token, bool scrape, std::shared_ptr<Surroundings> surroundings)
    : head_(std::move(head)), token_(std::move(token)), scrape_(scrape), shared_(std::move(surroundings)) {
  shared_->slots->all.fetch_add(1);
  shared_->slots->scrapes.fetch_add(scrape_ ? 1 : 0);
}

Exchange::~Exchange() {
  shared_->statistics->buffered_bytes.fetch_sub(waiting_);
  release_slot();
}

void Exchange::release_slot() {
  if (std::exchange(holds_slot_, false)) {
    shared_->slots->all.fetch_sub(1);
    shared_->slots->scrapes.fetch_sub(scrape_ ? 1 : 0);
    shared_->ready->post(head_.request.connection);  // so that a request that waits is started
  }
}

bool Exchange::claim() {
  const std::scoped_lock lock(mutex_);
  return !std::exchange(claimed_, true);
}

bool Exchange::claimed() const {
  const std::scoped_lock lock(mutex_);
  return claimed_;
}

bool Exchange::starved() const {
  const std::scoped_lock lock(mutex_);
  return starved_;
}

/// Until another response has been sent, or for a while.
void Exchange::wait_for_others(std::unique_lock<std::mutex>& lock) {
  if (!std::exchange(starved_, true)) {
    shared_->ready->post(head_.request.connection);  // the gateway ends who takes nothing
  }
  room_.wait_for(lock, kRetry);
}

bool Exchange::wait_for_room(std::unique_lock<std::mutex>& lock) {
  while (!abandoned_ && !reserved_ && waiting_ >= shared_->limits.floor) {
    if (waiting_ >= shared_->limits.window) {
      room_.wait(lock);
    } else if (shared_->statistics->buffered_bytes.load() >= shared_->limits.all_answers) {
      wait_for_others(lock);
    } else {
      break;
    }
  }
  starved_ = false;
  return !abandoned_;
}

bool Exchange::reserve() {
  std::unique_lock lock(mutex_);
  while (!abandoned_ && shared_->statistics->buffered_bytes.load() >= shared_->limits.all_answers) {
    wait_for_others(lock);
  }
  starved_ = false;
  reserved_ = true;
  return !abandoned_;
}

/// How many bytes the client's socket took. An error is left for the gateway to find.
std::size_t Exchange::write_now(std::span<const std::string_view> pieces) const {
  if (socket_ < 0 || waiting_ > 0 || delay_.count() > 0) {
    return 0;
  }
  std::array<iovec, kMostPieces> parts{};
  const std::size_t many = std::min(parts.size(), pieces.size());
  for (std::size_t i = 0; i < many; ++i) {
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};  // sendmsg() only reads it
  }
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = many;
  const ssize_t count = ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool Exchange::send(std::span<const std::string_view> pieces) {
  bool tell = false;
  {
    std::unique_lock lock(mutex_);
    if (!wait_for_room(lock)) {
      return false;
    }
    std::size_t sent = write_now(pieces);
    begun_ = true;
    std::string rest;
    for (const std::string_view piece : pieces) {
      const std::size_t skip = std::min(sent, piece.size());
      sent -= skip;
      rest.append(piece.substr(skip));
    }
    if (rest.empty()) {
      return true;
    }
    waiting_ += rest.size();
    shared_->statistics->buffered_bytes.fetch_add(rest.size());
    pieces_.push_back(std::move(rest));
    tell = !std::exchange(posted_, true);
  }
  if (tell) {
    shared_->ready->post(head_.request.connection);
  }
  return true;
}

void Exchange::on_delivery(Delivery told) {
  {
    const std::scoped_lock lock(mutex_);
    if (!abandoned_) {
      delivery_ = std::move(told);
      return;
    }
  }
  told(false);
}

Delivery Exchange::take_delivery() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(delivery_, nullptr);
}

void Exchange::hold(std::chrono::milliseconds delay) {
  const std::scoped_lock lock(mutex_);
  delay_ = delay;
}

void Exchange::leave_slot() {
  const std::scoped_lock lock(mutex_);
  release_slot();
}

void Exchange::finish(bool whole, bool keep_alive) {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(finished_, true)) {
    return;
  }
  whole_ = whole;
  keep_alive_ = keep_alive;
  release_slot();
}

Exchange::News Exchange::take() {
  const std::scoped_lock lock(mutex_);
  posted_ = false;
  return {std::exchange(pieces_, {}), begun_, finished_, whole_, keep_alive_, delay_};
}

void Exchange::sent(std::size_t count) {
  {
    const std::scoped_lock lock(mutex_);
    const std::size_t less = std::min(count, waiting_);
    waiting_ -= less;
    shared_->statistics->buffered_bytes.fetch_sub(less);
  }
  room_.notify_one();
}

void Exchange::abandon() {
  Delivery told;
  {
    const std::scoped_lock lock(mutex_);
    abandoned_ = true;
    pieces_.clear();
    shared_->statistics->buffered_bytes.fetch_sub(std::exchange(waiting_, 0));
    told = std::exchange(delivery_, nullptr);
  }
  room_.notify_all();
  if (told) {
    told(false);
  }
}

void Exchanges::add(std::uint16_t port, std::shared_ptr<Exchange> exchange) {
  const std::scoped_lock lock(mutex_);
  by_port_[port] = std::move(exchange);
}

void Exchanges::remove(std::uint16_t port) {
  const std::scoped_lock lock(mutex_);
  by_port_.erase(port);
}

std::shared_ptr<Exchange> Exchanges::find(std::uint16_t port) const {
  const std::scoped_lock lock(mutex_);
  const auto found = by_port_.find(port);
  return found == by_port_.end() ? nullptr : found->second;
}

std::optional<std::string> random_token() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return std::nullopt;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4U]);
    text.push_back(kDigits[byte & 15U]);
  }
  return text;
}

}  // namespace tpx::http
