#include "decode/label_text.h"

#include <cstddef>

namespace tpx::decode {

void append_escaped_label(std::string& out, std::string_view value) {
  for (;;) {
    const std::size_t special = value.find_first_of("\\\"\n");
    out.append(value.substr(0, special));
    if (special == std::string_view::npos) {
      return;
    }
    out += '\\';
    out += value[special] == '\n' ? 'n' : value[special];
    value.remove_prefix(special + 1);
  }
}

void render_labels(std::string& out, std::span<const std::string> names, std::span<const std::string> values) {
  out.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) {
      out += ',';
    }
    out += names[i];
    out += "=\"";
    append_escaped_label(out, values[i]);
    out += '"';
  }
}

namespace {

/// Where the value that begins at `at` ends: the place of its closing quote.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') {
    at += text[at] == '\\' ? 2 : 1;
  }
  return at;
}

}  // namespace

void replace_label(std::string& text, std::size_t index, std::string_view value) {
  std::size_t begin = text.find('"') + 1;
  std::size_t end = end_of_value(text, begin);
  for (; index > 0; --index) {
    begin = text.find('"', end + 1) + 1;
    end = end_of_value(text, begin);
  }
  std::string escaped;
  append_escaped_label(escaped, value);
  text.replace(begin, end - begin, escaped);
}

}  // namespace tpx::decode
