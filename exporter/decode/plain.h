#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "decode/decoder.h"

namespace tpx::decode {

/// The value of `type` that lies at the start of `bytes`, in native byte order: integers extended to 64 bits by their
/// sign, strings cut at the first NUL. Views into `bytes`. Bytes that are missing read as zero (integers) or as a shorter
/// string.
[[nodiscard]] Input input_of(const schema::ValueType& type, std::span<const std::byte> bytes);

/// An input of type String, for the next decoder of a chain. A view of `text`.
[[nodiscard]] Input input_of(std::string_view text);

/// How a value without a decoder reads: integers in decimal by their sign, strings cut at NUL and made valid UTF-8,
/// bytes as lower-case hex digits, two a byte.
[[nodiscard]] std::string plain(const Input& input);

/// The same, written over `out` to reuse its memory.
void plain_to(const Input& input, std::string& out);

/// `0x2a`.
[[nodiscard]] std::string hex(std::uint64_t value);

/// The integer as its `size` bytes hold it: without the extension of the sign.
[[nodiscard]] std::uint64_t unextended(const Input& input);

}  // namespace tpx::decode
