#include "decode/plain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace tpx::decode {
namespace {

template <class T>
std::uint64_t load(std::span<const std::byte> bytes) {
  T value = 0;
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return static_cast<std::uint64_t>(value);
}

std::uint64_t integer_of(const schema::ValueType& type, std::span<const std::byte> bytes) {
  switch (type.size) {
    case 1:
      return type.is_signed ? load<std::int8_t>(bytes) : load<std::uint8_t>(bytes);
    case 2:
      return type.is_signed ? load<std::int16_t>(bytes) : load<std::uint16_t>(bytes);
    case 4:
      return type.is_signed ? load<std::int32_t>(bytes) : load<std::uint32_t>(bytes);
    default:
      return load<std::uint64_t>(bytes);
  }
}

void hex_digits(std::span<const std::byte> bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.clear();
  out.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    out += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
}

void string_to(std::string_view text, std::string& out) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) {
    out.assign(text);  // nearly every string, and without an allocation
  } else {
    out = to_utf8(text);
  }
}

}  // namespace

Input input_of(const schema::ValueType& type, std::span<const std::byte> bytes) {
  const std::span<const std::byte> value = bytes.first(std::min<std::size_t>(type.size, bytes.size()));
  Input input{type, 0, {}, {}};
  switch (type.kind) {
    case schema::ValueType::Kind::Integer:
      input.integer = value.empty() ? 0 : integer_of(type, value);
      break;
    case schema::ValueType::Kind::String: {
      const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
      input.text = text.substr(0, text.find('\0'));
      break;
    }
    case schema::ValueType::Kind::Bytes:
      input.bytes = value;
      break;
  }
  return input;
}

Input input_of(std::string_view text) {
  return {{schema::ValueType::Kind::String, static_cast<std::uint32_t>(text.size()), false}, 0, {}, text};
}

void plain_to(const Input& input, std::string& out) {
  switch (input.type.kind) {
    case schema::ValueType::Kind::Integer: {
      std::array<char, 24> digits{};
      const auto end = input.type.is_signed
                           ? std::to_chars(digits.begin(), digits.end(), static_cast<std::int64_t>(input.integer))
                           : std::to_chars(digits.begin(), digits.end(), input.integer);
      out.assign(digits.data(), end.ptr);
      break;
    }
    case schema::ValueType::Kind::String:
      string_to(input.text.substr(0, input.text.find('\0')), out);
      break;
    case schema::ValueType::Kind::Bytes:
      hex_digits(input.bytes, out);
      break;
  }
}

std::string plain(const Input& input) {
  std::string out;
  plain_to(input, out);
  return out;
}

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), value, 16);
  return "0x" + std::string(digits.data(), end.ptr);
}

std::uint64_t unextended(const Input& input) {
  return input.type.size >= 8 ? input.integer : input.integer & ((std::uint64_t{1} << (input.type.size * 8)) - 1);
}

}  // namespace tpx::decode
