#include "http/client_socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace tpx::http {
namespace {

/// What the kernel may hold unsent for one client; what else waits is counted by the gateway.
constexpr int kUnsentInKernel = 256 * 1024;

}  // namespace

ClientSocket::ClientSocket(UniqueFd socket, bool encrypted, const TlsContext& context)
    : socket_(std::move(socket)), encrypted_(encrypted) {
  const int on = 1;
  (void)::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  (void)::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentInKernel, sizeof(kUnsentInKernel));
  if (!encrypted_ || context == nullptr) {
    return;
  }
  ssl_.reset(SSL_new(context.get()));  // it holds a reference to its context
  if (ssl_ != nullptr && SSL_set_fd(ssl_.get(), socket_.get()) == 1) {
    SSL_set_accept_state(ssl_.get());
    wants_ = EPOLLIN;
  } else {
    ssl_.reset();
  }
}

ClientSocket::~ClientSocket() {
  end_writing();
}

ClientSocket::Io ClientSocket::system_result(ssize_t result) {
  if (result > 0) {
    return Io::Done;
  }
  if (result < 0 && (errno == EAGAIN || errno == EINTR)) {
    return Io::Again;
  }
  broken_ = broken_ || result < 0;
  return Io::Closed;
}

bool ClientSocket::took_all() const {
  int unacknowledged = 0;
  int error = 0;
  socklen_t length = sizeof(error);
  return !broken_ && ::ioctl(socket_.get(), SIOCOUTQ, &unacknowledged) == 0 &&
         unacknowledged <= (shut_ ? 1 : 0) &&  // the FIN
         ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

ClientSocket::Io ClientSocket::handshake() {
  if (ssl_ == nullptr) {
    return Io::Closed;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    wants_ = 0;
    return Io::Done;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wants_ = EPOLLIN;
      return Io::Again;
    case SSL_ERROR_WANT_WRITE:
      wants_ = EPOLLOUT;
      return Io::Again;
    default:
      refuse_plain_http();
      return Io::Closed;
  }
}

void ClientSocket::refuse_plain_http() {
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    static constexpr std::string_view kAnswer =
        "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        "This port speaks HTTPS: use https://\n";
    (void)::send(socket_.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }
  ERR_clear_error();
}

ClientSocket::Io ClientSocket::tls_result(int result) {
  if (result == 1) {
    return Io::Done;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wants_ = EPOLLIN;
      return Io::Again;
    case SSL_ERROR_WANT_WRITE:
      wants_ = EPOLLOUT;
      return Io::Again;
    default:
      broken_ = broken_ || errno == ECONNRESET || errno == EPIPE;
      ERR_clear_error();
      established_ = false;  // after a fatal error SSL_shutdown() must not be called
      return Io::Closed;
  }
}

ClientSocket::Io ClientSocket::read(std::span<char> room, std::size_t& count) {
  if (!encrypted_) {
    const ssize_t result = ::recv(socket_.get(), room.data(), room.size(), 0);
    count = result > 0 ? static_cast<std::size_t>(result) : 0;
    return system_result(result);
  }
  wants_ = 0;
  errno = 0;
  ERR_clear_error();
  return tls_result(SSL_read_ex(ssl_.get(), room.data(), room.size(), &count));
}

ClientSocket::Io ClientSocket::write(std::span<const iovec> pieces, std::size_t& count) {
  if (!encrypted_) {
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg() only reads it
    message.msg_iovlen = pieces.size();
    const ssize_t result = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    count = result > 0 ? static_cast<std::size_t>(result) : 0;
    return system_result(result);
  }
  wants_ = 0;
  errno = 0;
  ERR_clear_error();
  return tls_result(SSL_write_ex(ssl_.get(), pieces.front().iov_base, pieces.front().iov_len, &count));
}

void ClientSocket::end_writing() {
  if (ssl_ != nullptr && established_) {
    SSL_shutdown(ssl_.get());  // best effort: says that the answer was not cut off
    ERR_clear_error();
  }
  established_ = false;
  wants_ = 0;
  shut_ = ::shutdown(socket_.get(), SHUT_WR) == 0;
}

ClientSocket::Io ClientSocket::discard(std::size_t& count) {
  std::array<char, 16384> bytes;
  const ssize_t result = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  count = result > 0 ? static_cast<std::size_t>(result) : 0;
  return system_result(result);
}

}  // namespace tpx::http
