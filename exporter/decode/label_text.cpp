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

}  // namespace tpx::decode
