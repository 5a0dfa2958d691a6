#include "expose/gateway_connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

namespace tpx::expose {

Gateway::Connection::Connection(UniqueFd client, std::string name, const Options& options)
    : options_(options), client_(std::move(client)), name_(std::move(name)) {
  const int on = 1;
  (void)::setsockopt(client_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  (void)::setsockopt(client_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  if (!options_.tls) {
    return;
  }
  const TlsContext context = options_.tls();
  ssl_.reset(context ? SSL_new(context.get()) : nullptr);  // the SSL holds a reference to its context
  if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), client_.get()) != 1) {
    client_ended_ = upstream_ended_ = true;
    return;
  }
  SSL_set_accept_state(ssl_.get());
  handshaking_ = true;
  tls_wants_ = POLLIN;
}

Gateway::Connection::~Connection() {
  if (ssl_ != nullptr && !handshaking_) {
    SSL_shutdown(ssl_.get());  // best effort: says that the answer was not cut off
    ERR_clear_error();
  }
  upstream_.reset();
  if (local_port_ != 0) {
    options_.peers->remove(local_port_);
  }
}

void Gateway::Connection::describe(pollfd& client, pollfd& upstream) const {
  client = {client_.get(), 0, 0};
  upstream = {upstream_.get(), 0, 0};
  if (handshaking_) {
    client.events = tls_wants_;
    return;
  }
  if (!client_ended_ && to_upstream_.room() > 0) {
    client.events |= POLLIN;
  }
  if (!to_client_.empty()) {
    client.events |= POLLOUT;
  }
  client.events = static_cast<short>(client.events | tls_wants_);
  if (upstream_.valid()) {
    if (!upstream_ended_ && to_client_.empty()) {
      upstream.events |= POLLIN;
    }
    if (!to_upstream_.empty()) {
      upstream.events |= POLLOUT;
    }
  }
  // poll() reports hang-ups and errors even when nothing is asked for: a side that waits for nothing is left out.
  if (client.events == 0) {
    client.fd = -1;
  }
  if (upstream.events == 0) {
    upstream.fd = -1;
  }
}

bool Gateway::Connection::advance() {
  if (timed() && Clock::now() >= deadline()) {
    return false;
  }
  if (handshaking_) {
    return handshake();
  }
  return relay();
}

bool Gateway::Connection::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    handshaking_ = false;
    tls_wants_ = 0;
    progress_ = Clock::now();
    return relay();
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      tls_wants_ = POLLIN;
      return true;
    case SSL_ERROR_WANT_WRITE:
      tls_wants_ = POLLOUT;
      return true;
    default:
      return refuse_plain_http();
  }
}

bool Gateway::Connection::refuse_plain_http() {
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    static constexpr std::string_view kAnswer =
        "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        "This port speaks HTTPS: use https://\n";
    (void)::send(client_.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }
  ERR_clear_error();
  return false;
}

bool Gateway::Connection::open_upstream() {
  upstream_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress here = any_address(AF_INET, 0);
  static_cast<sockaddr_in*>(static_cast<void*>(&here.storage))->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!upstream_.valid() || ::bind(upstream_.get(), here.raw(), here.length) != 0) {
    return false;
  }
  const auto bound = bound_address(upstream_.get());
  if (!bound) {
    return false;
  }
  local_port_ = bound->port();
  options_.peers->add(local_port_, name_);  // before connecting: the other side looks it up at once
  SocketAddress there = here;
  there.set_port(options_.upstream_port);
  const int on = 1;
  (void)::setsockopt(upstream_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return ::connect(upstream_.get(), there.raw(), there.length) == 0 || errno == EINPROGRESS;
}

Gateway::Connection::Io Gateway::Connection::tls_result(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::Again;  // POLLIN is waited for anyway, unless the buffer is full
    case SSL_ERROR_WANT_WRITE:
      tls_wants_ = POLLOUT;
      return Io::Again;
    default:
      ERR_clear_error();
      return Io::Closed;
  }
}

Gateway::Connection::Io Gateway::Connection::read_client() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), to_upstream_.space(), to_upstream_.room(), &count);
    to_upstream_.filled(count);
    return result == 1 ? Io::Done : tls_result(result);
  }
  const ssize_t count = ::recv(client_.get(), to_upstream_.space(), to_upstream_.room(), 0);
  if (count > 0) {
    to_upstream_.filled(static_cast<std::size_t>(count));
    return Io::Done;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? Io::Again : Io::Closed;
}

Gateway::Connection::Io Gateway::Connection::write_client() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), to_client_.data(), to_client_.size(), &count);
    to_client_.taken(count);
    return result == 1 ? Io::Done : tls_result(result);
  }
  const ssize_t count = ::send(client_.get(), to_client_.data(), to_client_.size(), MSG_NOSIGNAL);
  if (count > 0) {
    to_client_.taken(static_cast<std::size_t>(count));
    return Io::Done;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? Io::Again : Io::Closed;
}

Gateway::Connection::Io Gateway::Connection::read_upstream() {
  const ssize_t count = ::recv(upstream_.get(), to_client_.space(), to_client_.room(), 0);
  if (count > 0) {
    to_client_.filled(static_cast<std::size_t>(count));
    return Io::Done;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN) ? Io::Again : Io::Closed;
}

Gateway::Connection::Io Gateway::Connection::write_upstream() {
  const ssize_t count = ::send(upstream_.get(), to_upstream_.data(), to_upstream_.size(), MSG_NOSIGNAL);
  if (count > 0) {
    to_upstream_.taken(static_cast<std::size_t>(count));
    return Io::Done;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN) ? Io::Again : Io::Closed;
}

bool Gateway::Connection::relay() {
  // A bounded number of rounds, so that one busy client does not keep the thread from the others.
  for (int round = 0; round < 16; ++round) {
    bool moved = false;
    tls_wants_ = 0;
    if (!client_ended_ && to_upstream_.room() > 0) {
      const Io io = read_client();
      client_ended_ = io == Io::Closed;
      moved |= io == Io::Done;
    }
    if (!to_upstream_.empty()) {
      if (!upstream_.valid() && !open_upstream()) {
        return false;
      }
      const Io io = write_upstream();
      if (io == Io::Closed) {
        client_ended_ = true;  // it has heard enough; what it answered is still passed on
        to_upstream_.taken(to_upstream_.size());
      }
      moved |= io == Io::Done;
    }
    if (client_ended_ && to_upstream_.empty() && !upstream_told_) {
      if (!upstream_.valid()) {
        return false;
      }
      (void)::shutdown(upstream_.get(), SHUT_WR);
      upstream_told_ = true;
    }
    if (upstream_.valid() && !upstream_ended_ && to_client_.empty()) {
      const Io io = read_upstream();
      upstream_ended_ = io == Io::Closed;
      moved |= io == Io::Done;
      progress_ = Clock::now();
    }
    if (!to_client_.empty()) {
      const Io io = write_client();
      if (io == Io::Closed) {
        return false;
      }
      if (io == Io::Done) {
        moved = true;
        progress_ = Clock::now();
      }
    }
    if (upstream_ended_ && to_client_.empty()) {
      return false;
    }
    if (!moved) {
      break;
    }
  }
  return true;
}

}  // namespace tpx::expose
