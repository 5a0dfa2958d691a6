#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "decode/decoders/decoders.h"
#include "decode/plain.h"

namespace tpx::decode::decoders {
namespace {

static_assert(sizeof(sockaddr_in6) == schema::kSocketAddressBytes);

std::string address(int family, const std::byte* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* done = ::inet_ntop(family, bytes, text.data(), text.size());
  return done != nullptr ? done : "";
}

std::string address_6(std::span<const std::byte> bytes) {
  constexpr std::array<std::byte, 12> kMapped{std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
                                              std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
                                              std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return address(AF_INET, bytes.data() + kMapped.size());
  }
  return address(AF_INET6, bytes.data());
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

/// A sockaddr in the 28 bytes of the largest one: family, port, then the address. Where no more than the family is known, as
/// when the kernel program read one of another family, its name.
std::optional<std::string> socket_address(std::span<const std::byte> bytes) {
  sa_family_t family = 0;
  std::memcpy(&family, bytes.data(), sizeof family);
  if (family == AF_INET) {
    return address(AF_INET, bytes.data() + offsetof(sockaddr_in, sin_addr));
  }
  if (family == AF_INET6) {
    return address_6(bytes.subspan(offsetof(sockaddr_in6, sin6_addr), sizeof(in6_addr)));
  }
  if (!all_zero(bytes.subspan(sizeof family))) {
    return std::nullopt;
  }
  switch (family) {
    case schema::kUnreadableFamily:
      return std::string(schema::kUnreadable);
    case AF_UNSPEC:
      return "none";
    case AF_UNIX:
      return "unix";
    case AF_NETLINK:
      return "netlink";
    case AF_PACKET:
      return "packet";
    default:
      return "family_" + std::to_string(family);
  }
}

/// Addresses lie in network byte order, in integers too. IPv4 addresses mapped into IPv6 read as IPv4, so that a peer is one
/// series whatever the socket's family.
class Ip final : public Decoder {
 public:
  Output decode(const Input& input) override {
    if (input.type.kind == schema::ValueType::Kind::Integer && unextended(input) <= UINT32_MAX) {
      const auto in_memory = static_cast<std::uint32_t>(unextended(input));
      return {address(AF_INET, reinterpret_cast<const std::byte*>(&in_memory))};
    }
    if (input.type.kind == schema::ValueType::Kind::Bytes) {
      if (input.bytes.size() == sizeof(in_addr)) {
        return {address(AF_INET, input.bytes.data())};
      }
      if (input.bytes.size() == sizeof(in6_addr)) {
        return {address_6(input.bytes)};
      }
      if (input.bytes.size() == schema::kSocketAddressBytes) {
        if (auto text = socket_address(input.bytes)) {
          return {std::move(*text)};
        }
      }
    }
    return {plain(input)};
  }
};

std::unique_ptr<Decoder> make(const schema::DecoderCall&, const Environment&) {
  return std::make_unique<Ip>();
}

}  // namespace

Entry ip_entry() {
  return {
      {.name = "ip",
       .input = schema::DecoderInput::IntegerOrBytes,
       .extra = schema::DecoderExtra::None,
       .summary = "An IPv4 or IPv6 address from 4 or 16 bytes, a 32-bit integer in network byte order, a 28-byte "
                  "socket address, or a syscall's pointer to one (`args.uservaddr`). IPv4 mapped into IPv6 is shown "
                  "as IPv4, so `ip(args.daddr_v6)` shows both kinds; `args.daddr` is 0.0.0.0 for IPv6. A socket "
                  "address of another family gives the name of the family (`unix`), no address "
                  "`none`.",
       .example = R"(ip(args.daddr))"},
      make};
}

}  // namespace tpx::decode::decoders
