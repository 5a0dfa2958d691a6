#include "http/exchange.h"

#include <sys/eventfd.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace tpx::http {
namespace {

/// How often a worker that waits for others' memory looks again: nobody tells it.
constexpr std::chrono::milliseconds kRetry{10};

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

bool Exchange::send(std::string bytes) {
  bool tell = false;
  {
    std::unique_lock lock(mutex_);
    while (!abandoned_ && waiting_ >= shared_->limits.floor) {
      if (waiting_ >= shared_->limits.window) {
        room_.wait(lock);
        continue;
      }
      if (shared_->statistics->buffered_bytes.load() < shared_->limits.all_answers) {
        break;
      }
      if (!std::exchange(starved_, true)) {
        shared_->ready->post(head_.request.connection);  // the gateway ends who takes nothing
      }
      room_.wait_for(lock, kRetry);
    }
    starved_ = false;
    if (abandoned_) {
      return false;
    }
    const std::size_t size = bytes.size();
    pieces_.push_back(std::move(bytes));
    waiting_ += size;
    shared_->statistics->buffered_bytes.fetch_add(size);
    tell = !std::exchange(posted_, true);
  }
  if (tell) {
    shared_->ready->post(head_.request.connection);
  }
  return true;
}

void Exchange::hold(std::chrono::milliseconds delay) {
  const std::scoped_lock lock(mutex_);
  delay_ = delay;
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
  return {std::exchange(pieces_, {}), finished_, whole_, keep_alive_, delay_};
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
  {
    const std::scoped_lock lock(mutex_);
    abandoned_ = true;
    pieces_.clear();
    shared_->statistics->buffered_bytes.fetch_sub(std::exchange(waiting_, 0));
  }
  room_.notify_all();
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
