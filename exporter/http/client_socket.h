#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/unique_fd.h"
#include "http/tls_context.h"

namespace tpx::http {

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
  /// Closed: the handshake failed. A client that sent plain HTTP to a TLS port has received an error response.
  [[nodiscard]] Io handshake();
  /// Done: `count` bytes (at least 1) were read.
  [[nodiscard]] Io read(std::span<char> room, std::size_t& count);
  /// Done: `count` bytes (at least 1) of the pieces were written.
  [[nodiscard]] Io write(std::span<const iovec> pieces, std::size_t& count);
  /// Shuts down the write direction. Afterwards only discard() may read.
  void end_writing();
  /// Reads and drops data that the client still sends. Closed: the client has shut down its side, too.
  [[nodiscard]] Io discard(std::size_t& count);
  /// Whether the client's system has acknowledged all that was written, and has not reset the connection.
  [[nodiscard]] bool took_all() const;
  /// EPOLLIN or EPOLLOUT when TLS needs it to make progress; else 0.
  [[nodiscard]] std::uint32_t wants() const { return wants_; }

 private:
  Io system_result(ssize_t result);
  Io tls_result(int result);
  void refuse_plain_http();

  UniqueFd socket_;
  const bool encrypted_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool established_ = false;
  bool shut_ = false;
  bool broken_ = false;  ///< an error of the connection was read
  std::uint32_t wants_ = 0;
};

}  // namespace tpx::http
