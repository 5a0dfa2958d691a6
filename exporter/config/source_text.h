#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tpx::config {

/// The lines of a text that must outlive it. Lines and columns count from 1, columns in bytes.
class SourceText {
 public:
  explicit SourceText(std::string_view text);
  /// The line without its end, or "" beyond the last.
  [[nodiscard]] std::string_view line(std::uint32_t number) const;
  /// The line from `column` on, or "".
  [[nodiscard]] std::string_view rest(std::uint32_t number, std::uint32_t column) const;
  [[nodiscard]] std::uint32_t lines() const { return static_cast<std::uint32_t>(lines_.size()); }

 private:
  std::vector<std::string_view> lines_;
};

/// `text` for a message: in double quotes, at most 80 bytes, without control characters.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// `text` with control characters other than tabs shown as `?`, and valid UTF-8: safe on a terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tpx::config
