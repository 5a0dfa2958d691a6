#include "base/fields.h"

#include <charconv>

namespace tpx {

namespace {

constexpr std::size_t kMost = 1U << 20U;

}  // namespace

std::uint64_t FieldReader::number() {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  const auto used = static_cast<std::size_t>(end - rest_.data());
  ok_ = ok_ && error == std::errc() && used < rest_.size() && rest_[used] == ' ';
  rest_.remove_prefix(ok_ ? used + 1 : rest_.size());
  return ok_ ? value : 0;
}

std::string FieldReader::text() {
  const std::uint64_t size = number();
  ok_ = ok_ && size < rest_.size() && rest_[size] == '\n';
  std::string value(ok_ ? rest_.substr(0, size) : std::string_view());
  rest_.remove_prefix(ok_ ? size + 1 : rest_.size());
  return value;
}

std::size_t FieldReader::count() {
  const std::uint64_t size = number();
  ok_ = ok_ && size <= kMost;
  return ok_ ? size : 0;
}

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace tpx
