#include "config/source_text.h"

#include "base/text.h"

namespace tpx::config {

SourceText::SourceText(std::string_view text) : lines_(split(text, '\n')) {
  for (std::string_view& line : lines_) {
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
  }
}

std::string_view SourceText::line(std::uint32_t number) const {
  return number >= 1 && number <= lines_.size() ? lines_[number - 1] : std::string_view();
}

std::string_view SourceText::rest(std::uint32_t number, std::uint32_t column) const {
  const std::string_view all = line(number);
  return column >= 1 && column <= all.size() ? all.substr(column - 1) : std::string_view();
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string shown = printable(text.substr(0, kLongest));
  for (char& c : shown) {
    c = c == '\t' ? ' ' : c;
  }
  return '"' + shown + (text.size() > kLongest ? "…\"" : "\"");
}

std::string printable(std::string_view text) {
  std::string shown = to_utf8(text);
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      c = '?';
    }
  }
  return shown;
}

}  // namespace tpx::config
