#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "expose/listen_address.h"
#include "expose/tls_context.h"

namespace tpx::expose {

/// Who is behind a local port of the gateway. The HTTP server's internal listener takes connections from these ports
/// alone, so no local process can go around TLS by connecting to it. Thread-safe.
class GatewayPeers {
 public:
  void add(std::uint16_t port, std::string client);
  void remove(std::uint16_t port);
  /// The client's address, if the port is the gateway's.
  [[nodiscard]] std::optional<std::string> find(std::uint16_t port) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint16_t, std::string> clients_;
};

/// Accepts what Debian's civetweb can't (1.15 and 1.16 are built without IPv6, and their run-time loading of OpenSSL
/// knows only version 1.1): IPv6 and TLS connections. It ends TLS and passes the bytes to an upstream on 127.0.0.1.
/// One thread, non-blocking sockets, a bounded number of connections, one bounded buffer each way. A client that does
/// not finish its handshake, or does not take what is waiting for it, is dropped after `timeout`.
class Gateway {
 public:
  struct Options {
    std::uint16_t upstream_port = 0;  ///< on 127.0.0.1
    std::size_t max_connections = 64;
    std::chrono::milliseconds timeout{10000};
    std::function<TlsContext()> tls;  ///< asked for each connection; empty: no TLS
    std::shared_ptr<GatewayPeers> peers;
  };

  /// Starts serving the (already listening, non-blocking) sockets.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(Options options, std::vector<UniqueFd> listeners);

  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  /// Closes everything and joins the thread.
  ~Gateway();

 private:
  class Connection;
  using Clock = std::chrono::steady_clock;

  Gateway(Options options, std::vector<UniqueFd> listeners, UniqueFd wake);
  void run();
  void accept_from(int listener);
  [[nodiscard]] bool has_room() const { return connections_.size() < options_.max_connections; }

  const Options options_;
  std::vector<UniqueFd> listeners_;
  UniqueFd wake_;  ///< eventfd; readable: stop
  std::vector<std::unique_ptr<Connection>> connections_;
  Clock::time_point accept_after_{};
  std::thread thread_;
};

}  // namespace tpx::expose
