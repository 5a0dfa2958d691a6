#include "http/internal_request.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "http/listen_address.h"

namespace tpx::http {

std::unique_ptr<InternalRequest> InternalRequest::open(std::uint16_t port, std::shared_ptr<Exchange> exchange,
                                                       std::shared_ptr<Exchanges> exchanges) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress address = loopback_address(0);
  if (!socket.valid() || ::bind(socket.get(), address.raw(), address.length) != 0) {
    return nullptr;
  }
  const auto bound = bound_address(socket.get());
  if (!bound) {
    return nullptr;
  }
  const std::string token = exchange->token();
  exchanges->add(bound->port(), std::move(exchange));  // before connecting: the other side looks it up at once
  std::unique_ptr<InternalRequest> request(
      new InternalRequest(std::move(socket), bound->port(), token, std::move(exchanges)));
  address = loopback_address(port);
  const int on = 1;
  (void)::setsockopt(request->descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(request->descriptor(), address.raw(), address.length) != 0 && errno != EINPROGRESS) {
    return nullptr;
  }
  return request;
}

InternalRequest::InternalRequest(UniqueFd socket, std::uint16_t local_port, const std::string& token,
                                 std::shared_ptr<Exchanges> exchanges)
    : socket_(std::move(socket)),
      local_port_(local_port),
      text_(std::string("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n") + kTokenHeader + ": " + token +
            "\r\n\r\n"),
      exchanges_(std::move(exchanges)) {}

InternalRequest::~InternalRequest() {
  exchanges_->remove(local_port_);  // before the port is free for others
}

bool InternalRequest::advance() {
  if (unsent()) {
    const ssize_t count = ::send(socket_.get(), text_.data(), text_.size(), MSG_NOSIGNAL);
    if (count < 0) {
      return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
    }
    text_.erase(0, static_cast<std::size_t>(count));
  }
  std::array<char, 512> ignored;  // civetweb's own words, where it refuses
  const ssize_t count = ::recv(socket_.get(), ignored.data(), ignored.size(), 0);
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN));
}

void shut_strangers(std::uint16_t port, const Exchanges& exchanges) {
  const std::string here = loopback_address(port).text();
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    const int descriptor = std::atoi(it->path().filename().c_str());
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    if (::getpeername(descriptor, peer.raw(), &peer.length) != 0 || peer.family() != AF_INET) {
      continue;
    }
    const auto local = bound_address(descriptor);
    const bool internal = local && local->family() == AF_INET && local->text() == here;
    if (internal && !(peer.text() == loopback_address(peer.port()).text() && exchanges.find(peer.port()) != nullptr)) {
      (void)::shutdown(descriptor, SHUT_RDWR);
    }
  }
}

}  // namespace tpx::http
