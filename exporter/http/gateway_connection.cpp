#include "http/gateway_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tpx::http {
namespace {

constexpr std::size_t kReadPiece = 4096;
constexpr std::size_t kPiecesAtOnce = 16;
/// What is sent to one client before the others have their turn.
constexpr std::size_t kSendAtOnce = 2U << 20U;
/// What a refused client may still send while it learns of its refusal.
constexpr std::size_t kMaxDrained = 256U << 10U;
constexpr std::chrono::milliseconds kDrainTime{1000};
/// For a worker to begin: longer, and others' connections may hold the workers.
constexpr std::chrono::milliseconds kClaimTime{50};

}  // namespace

Gateway::Connection::Connection(Gateway& gateway, std::uint64_t id, UniqueFd client, std::string name)
    : gateway_(gateway),
      id_(id),
      client_(std::move(client), static_cast<bool>(gateway.options_.tls),
              gateway.options_.tls ? gateway.options_.tls() : nullptr),
      name_(std::move(name)),
      state_(client_.encrypted() ? State::Handshake : State::Head),
      entered_(Clock::now()),
      progress_(entered_) {}

Gateway::Connection::~Connection() {
  if (exchange_ != nullptr) {
    exchange_->abandon();
  }
  if (delivery_ && !client_.took_all()) {
    delivery_(false);
  }
}

void Gateway::Connection::enter(State state, Clock::time_point now) {
  state_ = state;
  entered_ = now;
}

// ---- what to wait for

std::uint32_t Gateway::Connection::wanted() const {
  switch (state_) {
    case State::Handshake:
      return client_.wants();
    case State::Head:
    case State::Body:
    case State::Draining:
      return client_.wants() != 0 ? client_.wants() : static_cast<std::uint32_t>(EPOLLIN);
    case State::Queued:
      return 0;
    case State::Answering:
    case State::Refusing:
      if (out_.empty() || hold_until_ > Clock::now()) {
        return 0;
      }
      return client_.wants() != 0 ? client_.wants() : static_cast<std::uint32_t>(EPOLLOUT);
  }
  return 0;
}

Gateway::Clock::time_point Gateway::Connection::deadline() const {
  const Options& options = gateway_.options_;
  switch (state_) {
    case State::Head:
      return entered_ + (used_ && in_.empty() ? options.keep_alive_timeout : options.request_timeout);
    case State::Handshake:
    case State::Body:
    case State::Queued:
      return entered_ + options.request_timeout;
    case State::Draining:
      return entered_ + kDrainTime;
    case State::Answering:
    case State::Refusing:
      break;
  }
  if (out_.empty()) {
    // The handler takes its time; that no worker begins is another matter.
    return exchange_ != nullptr && !exchange_->claimed() ? entered_ + kClaimTime : Clock::time_point::max();
  }
  if (hold_until_ > progress_) {
    return hold_until_;
  }
  return std::min(progress_ + options.request_timeout, answer_began_ + options.response_timeout);
}

bool Gateway::Connection::expire(Clock::time_point now) {
  HttpStatistics& statistics = *gateway_.options_.statistics;
  switch (state_) {
    case State::Handshake:
      statistics.dropped(Drop::Handshake);
      return false;
    case State::Head:
      if (in_.empty()) {
        statistics.dropped(Drop::Idle);
        return false;
      }
      [[fallthrough]];
    case State::Body:
      statistics.dropped(Drop::RequestTimeout);
      refuse(408, "The request did not arrive in time.");
      return true;
    case State::Queued:
      refuse(503, "The server is busy.", "Retry-After: 1");
      return true;
    case State::Draining:
      return false;
    case State::Answering:
    case State::Refusing:
      break;
  }
  if (out_.empty()) {
    gateway_.shut_strangers(now);
    entered_ = now;
    return true;
  }
  if (hold_until_ > progress_) {
    progress_ = std::max(now, hold_until_);  // held back for long enough
    answer_began_ = progress_;
    return true;
  }
  statistics.dropped(now >= answer_began_ + gateway_.options_.response_timeout ? Drop::ResponseTimeout : Drop::Stalled);
  return false;
}

// ---- doing it

bool Gateway::Connection::advance(Clock::time_point now) {
  for (;;) {
    switch (step(now)) {
      case Step::Again:
        continue;
      case Step::Wait:
        return true;
      case Step::Over:
        return false;
    }
  }
}

Gateway::Connection::Step Gateway::Connection::step(Clock::time_point now) {
  switch (state_) {
    case State::Handshake:
      return handshake(now);
    case State::Head:
      return read_head(now);
    case State::Body:
      return read_body(now);
    case State::Queued:
      return Step::Wait;
    case State::Answering:
      return answer(now);
    case State::Refusing:
      return send_refusal(now);
    case State::Draining:
      return drain(now);
  }
  return Step::Over;
}

Gateway::Connection::Step Gateway::Connection::handshake(Clock::time_point now) {
  switch (client_.handshake()) {
    case ClientSocket::Io::Done:
      enter(State::Head, now);
      return Step::Again;
    case ClientSocket::Io::Again:
      return Step::Wait;
    case ClientSocket::Io::Closed:
      break;
  }
  return Step::Over;
}

ClientSocket::Io Gateway::Connection::fill(std::size_t room) {
  std::array<char, kReadPiece> bytes;
  std::size_t count = 0;
  const auto io = client_.read(std::span(bytes).first(std::min(room, bytes.size())), count);
  in_.append(bytes.data(), io == ClientSocket::Io::Done ? count : 0);
  return io;
}

Gateway::Connection::Step Gateway::Connection::read_head(Clock::time_point now) {
  const std::size_t most = gateway_.options_.max_head;
  if (const auto length = head_length(in_); length && *length <= most) {
    return parse(*length, now);
  }
  if (in_.size() > most) {
    const bool line = in_.find('\n') != std::string::npos;
    refuse(line ? 431 : 414, "The request's head is longer than " + std::to_string(most) + " bytes.");
    return Step::Again;
  }
  const bool first = in_.empty();
  switch (fill(most + 1 - in_.size())) {
    case ClientSocket::Io::Done:
      if (first) {
        entered_ = now;
      }
      progress_ = now;
      return Step::Again;
    case ClientSocket::Io::Again:
      return Step::Wait;
    case ClientSocket::Io::Closed:
      break;
  }
  return Step::Over;
}

Gateway::Connection::Step Gateway::Connection::parse(std::size_t length, Clock::time_point now) {
  auto head = parse_request_head(std::string_view(in_).substr(0, length));
  in_.erase(0, length);
  if (in_.empty()) {
    in_.shrink_to_fit();  // connections idle for long: none keeps what its largest head took
  }
  if (!head) {
    refuse(head.error().status, head.error().reason);
    return Step::Again;
  }
  if (head->body_bytes > gateway_.options_.max_body) {
    refuse(413, "The request's body is larger than " + std::to_string(gateway_.options_.max_body) + " bytes.");
    return Step::Again;
  }
  head->request.remote = name_;
  head->request.tls = client_.encrypted();
  head->request.connection = id_;
  head->request.open = open_;
  delivery_ = nullptr;
  body_left_ = head->body_bytes;
  head_ = std::move(*head);
  enter(State::Body, now);
  if (head_->expects_continue && !head_->http10 && body_left_ > in_.size()) {
    out_.emplace_back("HTTP/1.1 100 Continue\r\n\r\n");
    return flush(now) == ClientSocket::Io::Closed ? Step::Over : Step::Again;
  }
  return Step::Again;
}

Gateway::Connection::Step Gateway::Connection::read_body(Clock::time_point now) {
  const std::size_t here = std::min(body_left_, in_.size());
  in_.erase(0, here);
  body_left_ -= here;
  if (body_left_ > 0) {
    switch (fill(body_left_)) {
      case ClientSocket::Io::Done:
        progress_ = now;
        return Step::Again;
      case ClientSocket::Io::Again:
        return Step::Wait;
      case ClientSocket::Io::Closed:
        return Step::Over;
    }
  }
  const Options& options = gateway_.options_;
  const bool scrape = options.is_scrape && options.is_scrape(head_->request);
  if (gateway_.submit(*this, scrape)) {
    enter(State::Queued, now);
  } else {
    refuse(503, "Too many scrapes at once; at most " + std::to_string(options.max_requests) + " are served.",
           "Retry-After: 1");
  }
  return Step::Again;
}

bool Gateway::Connection::begin(bool scrape, Clock::time_point now) {
  exchange_ = gateway_.make_exchange(std::move(*head_), scrape);
  head_.reset();
  finished_ = whole_ = keep_alive_ = false;
  answer_began_ = hold_until_ = {};
  enter(State::Answering, now);
  if (exchange_ != nullptr && !client_.encrypted() && out_.empty()) {
    exchange_->write_to(client_.descriptor());
  }
  if (exchange_ != nullptr) {
    internal_ = InternalRequest::open(gateway_.options_.upstream_port, exchange_, gateway_.options_.exchanges);
  }
  if (internal_ == nullptr) {
    refuse(503, "The server is short of resources.", "Retry-After: 1");
    return true;
  }
  return advance_internal(now);  // a worker may be done before this returns
}

bool Gateway::Connection::advance_internal(Clock::time_point now) {
  if (internal_ == nullptr) {
    return true;
  }
  if (internal_->advance()) {
    gateway_.watch(internal_->descriptor(), (id_ << 1U) | 1U, internal_->unsent() ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
  }
  internal_.reset();
  take_news(now);
  if (!finished_ && answer_began_ == Clock::time_point{}) {
    refuse(503, "The server is short of resources.", "Retry-After: 1");
  }
  return finished_ || state_ == State::Refusing;
}

void Gateway::Connection::take_news(Clock::time_point now) {
  Exchange::News news = exchange_->take();
  if (news.begun && answer_began_ == Clock::time_point{}) {
    answer_began_ = progress_ = now;
    hold_until_ = news.delay.count() > 0 ? now + news.delay : Clock::time_point{};
  }
  if (out_.empty() && !news.pieces.empty()) {
    progress_ = now;  // the client had taken everything: its time begins
  }
  std::move(news.pieces.begin(), news.pieces.end(), std::back_inserter(out_));
  finished_ = news.finished;
  whole_ = news.whole;
  keep_alive_ = news.keep_alive;
}

Gateway::Connection::Step Gateway::Connection::answer(Clock::time_point now) {
  take_news(now);
  if (hold_until_ > now) {
    return Step::Wait;
  }
  switch (flush(now)) {
    case ClientSocket::Io::Done:
      break;
    case ClientSocket::Io::Again:
      return Step::Wait;
    case ClientSocket::Io::Closed:
      return Step::Over;
  }
  return finished_ ? finish_answer(now) : Step::Wait;
}

ClientSocket::Io Gateway::Connection::flush(Clock::time_point now) {
  for (std::size_t total = 0; !out_.empty();) {
    if (total >= kSendAtOnce) {
      return ClientSocket::Io::Again;
    }
    std::array<iovec, kPiecesAtOnce> pieces{};
    const std::size_t many = std::min(pieces.size(), out_.size());
    for (std::size_t i = 0; i < many; ++i) {
      const std::size_t skip = i == 0 ? out_offset_ : 0;
      pieces[i] = {out_[i].data() + skip, out_[i].size() - skip};
    }
    std::size_t count = 0;
    if (const auto io = client_.write(std::span(pieces).first(many), count); io != ClientSocket::Io::Done) {
      return io;
    }
    progress_ = now;
    total += count;
    if (exchange_ != nullptr) {
      exchange_->sent(count);
    }
    for (out_offset_ += count; !out_.empty() && out_offset_ >= out_.front().size();) {
      out_offset_ -= out_.front().size();
      out_.pop_front();
    }
  }
  return ClientSocket::Io::Done;
}

Gateway::Connection::Step Gateway::Connection::finish_answer(Clock::time_point now) {
  delivery_ = exchange_->take_delivery();
  if (delivery_) {
    delivery_(whole_);
  }
  exchange_.reset();
  internal_.reset();
  used_ = true;
  if (!whole_) {
    return Step::Over;
  }
  if (keep_alive_) {
    enter(State::Head, now);
    return Step::Again;
  }
  client_.end_writing();
  enter(State::Draining, now);
  return Step::Again;
}

// ---- refusing

void Gateway::Connection::refuse(int status, const std::string& text, const std::string& header) {
  if (exchange_ != nullptr) {
    exchange_->abandon();
  }
  exchange_.reset();
  internal_.reset();
  gateway_.options_.statistics->answered(status);
  const bool head_only = head_ && head_->request.method == "HEAD";
  const std::string body = std::to_string(status) + " " + std::string(status_text(status)) + ": " + text + "\n";
  out_.clear();
  out_offset_ = 0;
  out_.push_back("HTTP/1.1 " + std::to_string(status) + " " + std::string(status_text(status)) +
                 "\r\nContent-Type: text/plain; charset=utf-8\r\n" + header + (header.empty() ? "" : "\r\n") +
                 "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                 (head_only ? std::string{} : body));
  const auto now = Clock::now();
  enter(State::Refusing, now);
  answer_began_ = progress_ = now;
  hold_until_ = {};
}

Gateway::Connection::Step Gateway::Connection::send_refusal(Clock::time_point now) {
  switch (flush(now)) {
    case ClientSocket::Io::Done:
      client_.end_writing();
      enter(State::Draining, now);
      return Step::Again;
    case ClientSocket::Io::Again:
      return Step::Wait;
    case ClientSocket::Io::Closed:
      break;
  }
  return Step::Over;
}

Gateway::Connection::Step Gateway::Connection::drain(Clock::time_point) {
  std::size_t count = 0;
  switch (client_.discard(count)) {
    case ClientSocket::Io::Done:
      drained_ += count;
      return drained_ > kMaxDrained ? Step::Over : Step::Again;
    case ClientSocket::Io::Again:
      return Step::Wait;
    case ClientSocket::Io::Closed:
      break;
  }
  return Step::Over;
}

}  // namespace tpx::http
