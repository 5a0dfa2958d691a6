#include "expose/gateway.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "expose/gateway_connection.h"

namespace tpx::expose {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kLongest{60000};

}  // namespace

void GatewayPeers::add(std::uint16_t port, std::string client) {
  const std::scoped_lock lock(mutex_);
  clients_[port] = std::move(client);
}

void GatewayPeers::remove(std::uint16_t port) {
  const std::scoped_lock lock(mutex_);
  clients_.erase(port);
}

std::optional<std::string> GatewayPeers::find(std::uint16_t port) const {
  const std::scoped_lock lock(mutex_);
  const auto found = clients_.find(port);
  return found == clients_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

Gateway::Gateway(Options options, std::vector<UniqueFd> listeners, UniqueFd wake)
    : options_(std::move(options)), listeners_(std::move(listeners)), wake_(std::move(wake)) {}

Result<std::unique_ptr<Gateway>> Gateway::start(Options options, std::vector<UniqueFd> listeners) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return fail(os_failure("cannot start the gateway", errno));
  }
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(options), std::move(listeners), std::move(wake)));
  try {
    gateway->thread_ = std::thread([raw = gateway.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return fail(os_failure("cannot start the gateway's thread", error.code().value()));
  }
  return gateway;
}

Gateway::~Gateway() {
  if (thread_.joinable()) {
    (void)::eventfd_write(wake_.get(), 1);
    thread_.join();
  }
}

void Gateway::accept_from(int listener) {
  while (has_room()) {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    UniqueFd client(::accept4(listener, peer.raw(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        accept_after_ = Clock::now() + kAcceptPause;  // the connection stays in the queue and poll() would not wait
      }
      return;
    }
    connections_.push_back(std::make_unique<Connection>(std::move(client), peer.text(), options_));
  }
}

void Gateway::run() {
  // OpenSSL writes without MSG_NOSIGNAL: a client that is gone must be an error here, not a signal.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  (void)::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::vector<pollfd> polled;
  for (;;) {
    polled.assign(1, {wake_.get(), POLLIN, 0});
    const bool accepting = has_room() && Clock::now() >= accept_after_;
    for (const UniqueFd& listener : listeners_) {
      polled.push_back({accepting ? listener.get() : -1, POLLIN, 0});
    }
    const std::size_t first = polled.size();
    auto wait = accepting || !has_room() ? kLongest : kAcceptPause;
    for (const auto& connection : connections_) {
      polled.resize(polled.size() + 2);
      connection->describe(polled[polled.size() - 2], polled[polled.size() - 1]);
      if (connection->timed()) {
        const auto left = connection->deadline() - Clock::now();
        wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(left));
      }
    }
    const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(0, wait.count())));
    if (ready < 0 && errno != EINTR) {
      return;
    }
    if (polled[0].revents != 0) {
      connections_.clear();
      return;
    }
    std::size_t at = first;
    std::erase_if(connections_, [&](const std::unique_ptr<Connection>& connection) {
      const bool due = connection->timed() && Clock::now() >= connection->deadline();
      const bool happened = polled[at].revents != 0 || polled[at + 1].revents != 0;
      at += 2;
      return (happened || due) && !connection->advance();
    });
    for (std::size_t i = 1; i < first; ++i) {
      if (polled[i].revents != 0) {
        accept_from(polled[i].fd);
      }
    }
  }
}

}  // namespace tpx::expose
