#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace tpx {

/// The number that the whole text is, in decimal (integers also in another base); nothing when it is none or out of range.
template <class Number>
[[nodiscard]] std::optional<Number> whole_number(std::string_view text, [[maybe_unused]] int base = 10) {
  Number value{};
  const char* const last = text.data() + text.size();
  std::from_chars_result read{};
  if constexpr (std::is_floating_point_v<Number>) {
    read = std::from_chars(text.data(), last, value);
  } else {
    read = std::from_chars(text.data(), last, value, base);
  }
  return read.ec == std::errc() && read.ptr == last ? std::optional(value) : std::nullopt;
}

}  // namespace tpx
