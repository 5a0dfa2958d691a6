#include <algorithm>
#include <tuple>

#include "config/config.h"
#include "config/source_text.h"

namespace tpx::config {
namespace {

// A longer line is shown around the caret only.
constexpr std::size_t kLongestLine = 200;

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The source line, and below it a caret under byte `column`. Tabs stay tabs, so that both lines are indented alike.
std::string excerpt(std::string_view line, std::uint32_t column) {
  std::size_t caret = column - 1;
  if (caret > line.size()) {
    return {};
  }
  if (line.size() > kLongestLine) {
    std::size_t begin = caret > kLongestLine / 2 ? caret - kLongestLine / 2 : 0;
    while (begin < caret && continues(line[begin])) {
      ++begin;
    }
    line = line.substr(begin, kLongestLine);
    caret -= begin;
  }
  std::string text = "  " + printable(line) + "\n  ";
  for (const char c : line.substr(0, caret)) {
    if (c == '\t') {
      text += '\t';
    } else if (!continues(c)) {
      text += ' ';
    }
  }
  return text + "^\n";
}

std::string head(const Error& error, std::string_view severity) {
  std::string text;
  if (error.location) {
    text = error.location->file;
    if (error.location->line > 0) {
      text += ':' + std::to_string(error.location->line) + ':' + std::to_string(error.location->column);
    }
    text += ": ";
  }
  text += std::string(severity) + ": " + error.message;
  return error.hint.empty() ? text : text + "; " + error.hint;
}

}  // namespace

std::string render_line(const Error& error) {
  return printable(head(error, "error"));
}

Errors by_place(Errors errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
    const SourceLocation none;
    const SourceLocation& left = a.location ? *a.location : none;
    const SourceLocation& right = b.location ? *b.location : none;
    return std::tie(left.file, left.line, left.column) < std::tie(right.file, right.line, right.column);
  });
  return errors;
}

std::string render(const Errors& errors, const Config& config, std::string_view severity) {
  std::vector<SourceText> sources;
  for (const Config::File& file : config.files) {
    sources.emplace_back(file.text);
  }
  std::string text;
  for (const Error& error : by_place(errors)) {
    text += printable(head(error, severity)) + '\n';
    if (!error.location || error.location->line == 0 || error.location->column == 0) {
      continue;
    }
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (config.files[i].path == error.location->file && error.location->line <= sources[i].lines()) {
        text += excerpt(sources[i].line(error.location->line), error.location->column);
        break;
      }
    }
  }
  return text;
}

}  // namespace tpx::config
