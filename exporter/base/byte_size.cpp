#include "base/byte_size.h"

#include <charconv>
#include <limits>

namespace tpx {

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  unit.remove_prefix(unit.starts_with(' ') ? 1 : 0);
  const int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  if (shift < 0 || number > std::numeric_limits<std::uint64_t>::max() >> shift) {
    return std::nullopt;
  }
  return number << shift;
}

std::string byte_size_text(std::uint64_t bytes) {
  constexpr std::uint64_t kLarge = 10ULL << 20U;
  return bytes >= kLarge ? std::to_string(bytes >> 20U) + " MiB" : std::to_string((bytes + 1023) >> 10U) + " KiB";
}

}  // namespace tpx
