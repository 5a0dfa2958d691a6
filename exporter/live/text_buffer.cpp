#include "live/text_buffer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/errno_name.h"
#include "base/text.h"

namespace tpx::live {

namespace {

constexpr char kDigits[] = "0123456789abcdef";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (quotes && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else if (is_control(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\u00";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 0xfU];
    } else {
      out += c;
    }
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

void append_integer(std::string& out, std::uint64_t value, bool is_signed) {
  std::array<char, 24> buffer{};
  char* const end = buffer.data() + buffer.size();
  const auto done = is_signed ? std::to_chars(buffer.data(), end, static_cast<std::int64_t>(value))
                              : std::to_chars(buffer.data(), end, value);
  out.append(buffer.data(), done.ptr);
}

void append_padded(std::string& out, std::uint64_t value, std::size_t width, char fill) {
  std::array<char, 24> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  const auto length = static_cast<std::size_t>(done.ptr - buffer.data());
  out.append(width - std::min(width, length), fill);
  out.append(buffer.data(), length);
}

void append_hex(std::string& out, std::uint64_t value) {
  std::array<char, 24> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, 16);
  out += "0x";
  out.append(buffer.data(), done.ptr);
}

void append_hex_bytes(std::string& out, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    out += kDigits[std::to_integer<unsigned>(byte) & 0xfU];
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  is_ascii(text) ? append_escaped(out, text, true) : append_escaped(out, to_utf8(text), true);
  out += '"';
}

void append_visible(std::string& out, std::string_view text) {
  is_ascii(text) ? append_escaped(out, text, false) : append_escaped(out, to_utf8(text), false);
}

const char* error_name(std::uint64_t result) {
  const auto value = static_cast<std::int64_t>(result);
  return value < 0 && value > -4096 ? errno_name(static_cast<int>(-value)) : nullptr;
}

}  // namespace tpx::live
