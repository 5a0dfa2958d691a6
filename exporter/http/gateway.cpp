#include "http/gateway.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

#include "http/gateway_connection.h"
#include "http/listen_address.h"

namespace tpx::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAcceptPause{100};
constexpr milliseconds kKnockPause{20};
constexpr milliseconds kLongestWait{60000};
/// Who has taken nothing for this long gives way where memory or descriptors are short.
constexpr milliseconds kPatience{250};
constexpr int kAcceptsAtOnce = 64;

constexpr std::uint64_t kWakeTag = ~0ULL;
constexpr std::uint64_t kListenerTag = 1ULL << 63U;
/// A connection's tags: the client's socket, and the next for the internal one.
constexpr std::uint64_t client_tag(std::uint64_t id) {
  return id << 1U;
}

}  // namespace

Gateway::Gateway(Options options, std::vector<UniqueFd> listeners, UniqueFd poll,
                 std::shared_ptr<ReadyConnections> ready)
    : options_(std::move(options)),
      listeners_(std::move(listeners)),
      poll_(std::move(poll)),
      ready_(std::move(ready)),
      surroundings_(std::make_shared<Exchange::Surroundings>(
          Exchange::Surroundings{options_.limits, options_.statistics, ready_, std::make_shared<Slots>()})) {}

Result<std::unique_ptr<Gateway>> Gateway::start(Options options, std::vector<UniqueFd> listeners) {
  UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!poll.valid() || !wake.valid()) {
    return fail(os_failure("cannot start the HTTP server", errno));
  }
  auto ready = std::make_shared<ReadyConnections>(std::move(wake));
  std::unique_ptr<Gateway> gateway(
      new Gateway(std::move(options), std::move(listeners), std::move(poll), std::move(ready)));
  gateway->watch(gateway->ready_->descriptor(), kWakeTag, EPOLLIN);
  for (std::size_t i = 0; i < gateway->listeners_.size(); ++i) {
    gateway->watch(gateway->listeners_[i].get(), kListenerTag | i, EPOLLIN);
  }
  gateway->listening_ = true;
  try {
    gateway->thread_ = std::thread([raw = gateway.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return fail(os_failure("cannot start the HTTP server's thread", error.code().value(),
                           "raise the limit of threads: TasksMax= of systemd, pids.max, ulimit -u"));
  }
  return gateway;
}

Gateway::~Gateway() {
  phase_.store(Phase::Ended);
  ready_->wake();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Gateway::close() {
  Phase serving = Phase::Serving;
  phase_.compare_exchange_strong(serving, Phase::Closed);
  ready_->wake();
}

// ---- the thread

void Gateway::run() {
  // OpenSSL writes without MSG_NOSIGNAL: a client that is gone must be an error here, not a signal.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  (void)::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (phase_.load() == Phase::Serving) {
    try {
      serve_events();
    } catch (const std::exception&) {
      // Out of memory between two connections: what was under way is looked at again.
      next_look_ = Clock::now() + kPatience;
    }
  }
  close_all();
  while (phase_.load() == Phase::Closed) {
    knock();
    std::this_thread::sleep_for(kKnockPause);
  }
}

void Gateway::serve_events() {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), wait_milliseconds());
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    handle(event.data.u64, event.events);
    start_waiting();
  }
  expire();
  relieve_memory();
  start_waiting();
}

int Gateway::wait_milliseconds() const {
  const auto next = std::min(next_look_, listen_after_);
  if (next == Clock::time_point::max()) {
    return -1;
  }
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), kLongestWait).count());
}

void Gateway::handle(std::uint64_t tag, std::uint32_t events) {
  if (tag == kWakeTag) {
    take_news();
    return;
  }
  if ((tag & kListenerTag) != 0) {
    accept_from(tag & ~kListenerTag);
    return;
  }
  const auto found = connections_.find(tag >> 1U);
  if (found == connections_.end()) {
    return;
  }
  Connection& connection = *found->second;
  if (tag != client_tag(connection.id())) {
    if (!connection.advance_internal(Clock::now())) {
      drop(connection.id());
      return;
    }
  } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    drop(connection.id());
    return;
  }
  advance(connection);
}

void Gateway::watch(int descriptor, std::uint64_t tag, std::uint32_t events) const {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, descriptor, &event) != 0 && errno == ENOENT) {
    (void)::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, descriptor, &event);
  }
}

void Gateway::advance(Connection& connection) {
  bool open = false;
  try {
    open = connection.advance(Clock::now());
  } catch (const std::exception&) {
    open = false;  // out of memory: this client's connection ends, the others go on
  }
  if (!open) {
    drop(connection.id());
    return;
  }
  if (const std::uint32_t wanted = connection.wanted(); wanted != connection.watched) {
    watch(connection.descriptor(), client_tag(connection.id()), wanted);
    connection.watched = wanted;
  }
  next_look_ = std::min(next_look_, connection.deadline());
}

void Gateway::drop(std::uint64_t id) {
  connections_.erase(id);
  std::erase(waiting_scrapes_, id);
  std::erase(waiting_others_, id);
  options_.statistics->connections.store(connections_.size());
}

void Gateway::take_news() {
  eventfd_t ignored = 0;
  (void)::eventfd_read(ready_->descriptor(), &ignored);
  ReadyConnections::News news = ready_->take();
  if (news.any) {
    for (const auto& [id, connection] : connections_) {
      news.connections.push_back(id);
    }
  }
  for (const std::uint64_t id : news.connections) {
    if (const auto found = connections_.find(id); found != connections_.end()) {
      memory_short_ = memory_short_ || found->second->starved();
      advance(*found->second);
    }
  }
}

void Gateway::expire() {
  const auto now = Clock::now();
  if (now >= listen_after_) {
    listen(true);
  }
  if (now < next_look_) {
    return;
  }
  next_look_ = Clock::time_point::max();
  std::vector<Connection*> due;
  for (const auto& [id, connection] : connections_) {
    if (connection->deadline() <= now) {
      due.push_back(connection.get());
    } else {
      next_look_ = std::min(next_look_, connection->deadline());
    }
  }
  for (Connection* connection : due) {
    if (connection->expire(now)) {
      advance(*connection);
    } else {
      drop(connection->id());
    }
  }
}

void Gateway::relieve_memory() {
  if (!memory_short_) {
    return;
  }
  const auto now = Clock::now();
  while (options_.statistics->buffered_bytes.load() >= options_.limits.all_answers) {
    const Connection* slowest = nullptr;
    for (const auto& [id, connection] : connections_) {
      if (connection->is_behind() && connection->progress() + kPatience <= now &&
          (slowest == nullptr || connection->progress() < slowest->progress())) {
        slowest = connection.get();
      }
    }
    if (slowest == nullptr) {
      next_look_ = std::min(next_look_, now + kPatience);
      return;
    }
    options_.statistics->dropped(Drop::Memory);
    drop(slowest->id());
  }
  memory_short_ = false;
}

void Gateway::close_all() {
  connections_.clear();
  listeners_.clear();
  options_.statistics->connections.store(0);
}

void Gateway::knock() const {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SocketAddress there = loopback_address(options_.upstream_port);
  (void)::connect(socket.get(), there.raw(), there.length);
}

// ---- new connections

void Gateway::listen(bool on) {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    watch(listeners_[i].get(), kListenerTag | i, on ? EPOLLIN : 0U);
  }
  listening_ = on;
  listen_after_ = on ? Clock::time_point::max() : Clock::now() + kAcceptPause;
}

void Gateway::accept_from(std::size_t listener) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    UniqueFd client(::accept4(listeners_[listener].get(), peer.raw(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        listen(false);  // the connection stays in the queue, and epoll would not wait
      }
      return;
    }
    admit(std::move(client), peer.text());
  }
}

void Gateway::admit(UniqueFd client, std::string name) {
  if (connections_.size() >= options_.max_connections && !make_room()) {
    static constexpr std::string_view kAnswer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n"
        "Connection: close\r\n\r\nToo many connections.\n";
    options_.statistics->dropped(Drop::Limit);
    if (!options_.tls) {
      options_.statistics->answered(503);
      (void)::send(client.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      (void)::shutdown(client.get(), SHUT_WR);
    }
    return;
  }
  const std::uint64_t id = ++last_id_;
  auto made = std::make_unique<Connection>(*this, id, std::move(client), std::move(name));
  Connection& connection = *made;
  connections_.emplace(id, std::move(made));
  options_.statistics->connections.store(connections_.size());
  advance(connection);
}

/// Ends the connection that has been idle for longest, or else one whose request is not whole.
bool Gateway::make_room() {
  const Connection* chosen = nullptr;
  const auto now = Clock::now();
  for (const auto& [id, connection] : connections_) {
    const bool unfinished = connection->state() <= Connection::State::Body && connection->progress() + kPatience <= now;
    if (!connection->idle() && !unfinished) {
      continue;
    }
    const bool better = chosen == nullptr || (connection->idle() && !chosen->idle()) ||
                        (connection->idle() == chosen->idle() && connection->progress() < chosen->progress());
    if (better) {
      chosen = connection.get();
    }
  }
  if (chosen == nullptr) {
    return false;
  }
  options_.statistics->dropped(Drop::Limit);
  drop(chosen->id());
  return true;
}

// ---- requests

bool Gateway::submit(Connection& connection, bool scrape) {
  const std::size_t taken = surroundings_->slots->scrapes.load() + waiting_scrapes_.size();
  if (scrape && options_.max_requests != 0 && taken >= options_.max_requests) {
    return false;
  }
  (scrape ? waiting_scrapes_ : waiting_others_).push_back(connection.id());
  return true;
}

void Gateway::start_waiting() {
  // One that is answered at once may be followed by another on its connection.
  while (start_waiting(waiting_others_, false) || start_waiting(waiting_scrapes_, true)) {
  }
}

bool Gateway::start_waiting(std::deque<std::uint64_t>& queue, bool scrapes) {
  bool begun = false;
  while (!queue.empty()) {
    const Slots& slots = *surroundings_->slots;
    if (slots.all.load() >= options_.max_active || (scrapes && slots.scrapes.load() >= options_.max_scrapes)) {
      return begun;
    }
    const std::uint64_t id = queue.front();
    queue.pop_front();
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->state() != Connection::State::Queued) {
      continue;
    }
    Connection& connection = *found->second;
    if (connection.begin(scrapes, Clock::now())) {
      advance(connection);
    } else {
      drop(id);
    }
    begun = true;
  }
  return begun;
}

void Gateway::shut_strangers(Clock::time_point now) {
  if (now - strangers_shut_ >= kPatience / 5) {
    strangers_shut_ = now;
    http::shut_strangers(options_.upstream_port, *options_.exchanges);
  }
}

std::shared_ptr<Exchange> Gateway::make_exchange(RequestHead head, bool scrape) {
  auto token = random_token();
  if (!token) {
    return nullptr;
  }
  return std::make_shared<Exchange>(std::move(head), std::move(*token), scrape, surroundings_);
}

}  // namespace tpx::http
