#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::http {

/// A socket address of either family; a plain value.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;

  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);
  /// `127.0.0.1:80`, `[::1]:80`.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] const sockaddr* raw() const;
  [[nodiscard]] sockaddr* raw();
};

/// `--web.listen-address` as written: `:PORT` (every address of both families), `HOST:PORT`, `[V6]:PORT`.
struct ListenAddress {
  std::string text;       ///< as written, for messages
  bool any = false;       ///< `:PORT`
  SocketAddress address;  ///< any: the IPv4 wildcard with the port
};

/// Fails with the reason on anything else, and on a host that does not resolve. An IPv4 address is preferred, as Go
/// does.
[[nodiscard]] Result<ListenAddress> parse_listen_address(const std::string& text);

/// The wildcard address of a family.
[[nodiscard]] SocketAddress any_address(int family, std::uint16_t port);

/// 127.0.0.1 with a port.
[[nodiscard]] SocketAddress loopback_address(std::uint16_t port);

/// A listening, non-blocking socket. `dual_stack` (AF_INET6 only): takes IPv4 connections too. `text` is the address as
/// the user wrote it: an error says what to do about it (in use, not permitted, not of this host).
[[nodiscard]] Result<UniqueFd> listen_on(const SocketAddress& address, bool dual_stack, const std::string& text);

/// A socket bound to the address that does not listen: nobody else gets the port while it lives, and a bound or a forbidden
/// one is found before anything is attached. Sockets of this process with SO_REUSEADDR may bind it too and listen. For port
/// 0 the socket is bound to any. Errors are those of listen_on().
[[nodiscard]] Result<UniqueFd> reserve(const ListenAddress& address);

/// The address that a socket is bound to.
[[nodiscard]] Result<SocketAddress> bound_address(int socket);

}  // namespace tpx::http
