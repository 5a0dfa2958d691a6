#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tpx {

/// Numbers and texts one after another in one text, for what one process leaves to the next one.
class FieldWriter {
 public:
  void number(std::uint64_t value) { text_ += std::to_string(value) + " "; }
  void text(std::string_view value) {
    number(value.size());
    text_ += value;
    text_ += "\n";
  }
  template <class Numbers>
  void numbers(const Numbers& values) {
    number(values.size());
    for (const auto value : values) {
      number(value);
    }
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// Reads what FieldWriter wrote, in the same order. Takes any bytes: after the first field that is not there, ok() is false
/// and all others are 0 and "".
class FieldReader {
 public:
  explicit FieldReader(std::string_view rest) : rest_(rest) {}

  std::uint64_t number();
  std::string text();
  /// How many of a list follow, at most 2^20.
  std::size_t count();
  void refuse() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// FNV-1a, 64 bits: notices damage, not malice.
[[nodiscard]] std::uint64_t checksum(std::string_view bytes);

}  // namespace tpx
