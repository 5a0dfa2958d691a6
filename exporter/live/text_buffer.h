#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tpx::live {

// Appending to a line without allocating, at the pace of events.

void append_integer(std::string& out, std::uint64_t value, bool is_signed);
/// Decimal, at least `width` wide, filled up on the left.
void append_padded(std::string& out, std::uint64_t value, std::size_t width, char fill);
/// `0x2a`.
void append_hex(std::string& out, std::uint64_t value);
/// Two digits a byte.
void append_hex_bytes(std::string& out, std::span<const std::byte> bytes);
/// In double quotes; invalid UTF-8 becomes U+FFFD, quotes, backslashes and control characters are escaped (RFC 8259).
void append_json_string(std::string& out, std::string_view text);
/// Valid UTF-8 with control characters as `\u001b`, so that no process name can steer a terminal.
void append_visible(std::string& out, std::string_view text);

/// The name of a system call's result between -4095 and -1, such as ENOENT; null for any other.
[[nodiscard]] const char* error_name(std::uint64_t result);

}  // namespace tpx::live
