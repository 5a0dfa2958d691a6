#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tpx::decode {

/// Appends a label's value as both text formats want it between the quotes: backslash, double quote and line feed escaped.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
void append_escaped_label(std::string& out, std::string_view value);

/// Sets `out` to `name1="value1",name2="value2"`, values escaped: what stands between a sample's braces. Equal texts mean
/// equal label sets. `names` and `values` have the same size.
void render_labels(std::string& out, std::span<const std::string> names, std::span<const std::string> values);

/// Puts `value` in the place of the value of label number `index` in a text that render_labels() made.
void replace_label(std::string& text, std::size_t index, std::string_view value);

}  // namespace tpx::decode
