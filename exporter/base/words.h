#pragma once

#include <string>
#include <string_view>

namespace tpx {

// Classes of ASCII characters, whatever the locale.

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A letter or `_`: what a C identifier may begin with.
[[nodiscard]] constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// What a C identifier is made of.
[[nodiscard]] constexpr bool is_word(char c) {
  return is_letter(c) || is_digit(c);
}

[[nodiscard]] constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The texts of `parts` with `separator` between them.
template <class Range>
[[nodiscard]] std::string joined(const Range& parts, std::string_view separator = ", ") {
  std::string out;
  for (const auto& part : parts) {
    out.append(out.empty() ? std::string_view() : separator).append(part);
  }
  return out;
}

}  // namespace tpx
