#include "http/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/number.h"

namespace tpx::http {
namespace {

constexpr int kBacklog = 1024;  // bounded by net.core.somaxconn too

Result<SocketAddress> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) {
    return fail("cannot resolve \"" + host + "\": " + ::gai_strerror(code),
                "use an address of this host, or :PORT for every address");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  const addrinfo* chosen = list;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      chosen = entry;
      break;
    }
  }
  SocketAddress address;
  std::memcpy(&address.storage, chosen->ai_addr, chosen->ai_addrlen);
  address.length = chosen->ai_addrlen;
  address.set_port(port);
  return address;
}

Error listen_failure(const std::string& text, std::uint16_t port, int code) {
  if (code == EADDRINUSE) {
    return {"address " + text + " is in use",
            "stop the other process or choose another with --web.listen-address",
            {},
            code};
  }
  if (code == EACCES && port < 1024) {
    return os_failure("cannot listen on " + text, code,
                      "ports below 1024 need CAP_NET_BIND_SERVICE; choose another with --web.listen-address");
  }
  if (code == EADDRNOTAVAIL) {
    return os_failure("cannot listen on " + text, code,
                      "this host has no such address; :PORT listens on every address");
  }
  return os_failure("cannot listen on " + text, code);
}

}  // namespace

const sockaddr* SocketAddress::raw() const {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
}

sockaddr* SocketAddress::raw() {
  return static_cast<sockaddr*>(static_cast<void*>(&storage));
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET6) {
    return ntohs(static_cast<const sockaddr_in6*>(static_cast<const void*>(&storage))->sin6_port);
  }
  return ntohs(static_cast<const sockaddr_in*>(static_cast<const void*>(&storage))->sin_port);
}

void SocketAddress::set_port(std::uint16_t port) {
  if (family() == AF_INET6) {
    static_cast<sockaddr_in6*>(static_cast<void*>(&storage))->sin6_port = htons(port);
  } else {
    static_cast<sockaddr_in*>(static_cast<void*>(&storage))->sin_port = htons(port);
  }
}

std::string SocketAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  const void* bytes = &static_cast<const sockaddr_in*>(static_cast<const void*>(&storage))->sin_addr;
  if (family() == AF_INET6) {
    bytes = &static_cast<const sockaddr_in6*>(static_cast<const void*>(&storage))->sin6_addr;
  }
  if (::inet_ntop(family(), bytes, host.data(), host.size()) == nullptr) {
    return "?";
  }
  const std::string name = family() == AF_INET6 ? "[" + std::string(host.data()) + "]" : std::string(host.data());
  return name + ":" + std::to_string(port());
}

SocketAddress any_address(int family, std::uint16_t port) {
  SocketAddress address;
  address.storage.ss_family = static_cast<sa_family_t>(family);
  address.length = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  address.set_port(port);
  return address;
}

SocketAddress loopback_address(std::uint16_t port) {
  SocketAddress address = any_address(AF_INET, port);
  static_cast<sockaddr_in*>(static_cast<void*>(&address.storage))->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const std::string shape = "write :PORT, HOST:PORT or [IPV6]:PORT";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    return fail("listen address \"" + text + "\" has no port", shape);
  }
  const auto port = whole_number<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (!port) {
    return fail("listen address \"" + text + "\" does not end in a port from 0 to 65535", shape);
  }
  std::string host = text.substr(0, colon);
  if (host.empty()) {
    return ListenAddress{text, true, any_address(AF_INET, *port)};
  }
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return fail("listen address \"" + text + "\" is ambiguous", "put the IPv6 address in brackets: [ADDRESS]:PORT");
  }
  auto address = resolve(host, *port);
  if (!address) {
    return fail(std::move(address).error().with_context("listen address \"" + text + "\": "));
  }
  return ListenAddress{text, false, *address};
}

namespace {

Result<UniqueFd> bind_to(const SocketAddress& address, bool dual_stack, const std::string& text) {
  UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) {
    return fail(listen_failure(text, address.port(), errno));
  }
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
    return fail(listen_failure(text, address.port(), errno));
  }
  const int only = dual_stack ? 0 : 1;
  if (address.family() == AF_INET6 && ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) != 0) {
    return fail(listen_failure(text, address.port(), errno));
  }
  if (::bind(socket.get(), address.raw(), address.length) != 0) {
    return fail(listen_failure(text, address.port(), errno));
  }
  return socket;
}

}  // namespace

Result<UniqueFd> listen_on(const SocketAddress& address, bool dual_stack, const std::string& text) {
  auto socket = bind_to(address, dual_stack, text);
  if (socket && ::listen(socket->get(), kBacklog) != 0) {
    return fail(listen_failure(text, address.port(), errno));
  }
  return socket;
}

Result<UniqueFd> reserve(const ListenAddress& address) {
  return bind_to(address.address, false, address.text);
}

Result<SocketAddress> bound_address(int socket) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  if (::getsockname(socket, address.raw(), &address.length) != 0) {
    return fail(os_failure("cannot read a socket's address", errno));
  }
  return address;
}

}  // namespace tpx::http
