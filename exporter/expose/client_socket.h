#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/unique_fd.h"
#include "expose/tls_context.h"

namespace tpx::expose {

/// A client's non-blocking socket, plain or TLS. Used by one thread.
class ClientSocket {
 public:
  enum class Io : std::uint8_t { Done, Again, Closed };

  /// `context` is null for plain HTTP. A TLS socket needs handshake() first.
  ClientSocket(UniqueFd socket, bool encrypted, const TlsContext& context);
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;
  ~ClientSocket();

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] bool encrypted() const { return encrypted_; }
  /// Closed: it failed. A client that spoke plain HTTP to a TLS port has been told so.
  [[nodiscard]] Io handshake();
  /// Done: `count` bytes, at least one, were read.
  [[nodiscard]] Io read(std::span<char> room, std::size_t& count);
  /// Done: `count` bytes, at least one, were taken of the pieces.
  [[nodiscard]] Io write(std::span<const iovec> pieces, std::size_t& count);
  /// Says that nothing more will be sent, and from then on only discard() reads.
  void end_writing();
  /// Reads and forgets what the client still sends. Closed: it has ended too.
  [[nodiscard]] Io discard(std::size_t& count);
  /// EPOLLIN or EPOLLOUT where TLS must wait for it before it can go on; else 0.
  [[nodiscard]] std::uint32_t wants() const { return wants_; }

 private:
  Io tls_result(int result);
  void refuse_plain_http();

  UniqueFd socket_;
  const bool encrypted_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool established_ = false;
  std::uint32_t wants_ = 0;
};

}  // namespace tpx::expose
