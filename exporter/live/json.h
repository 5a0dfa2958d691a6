#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "live/text_buffer.h"

namespace tpx::live {

/// `text` as a JSON string.
[[nodiscard]] inline std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

/// A JSON object under construction; its members stand in the order in which
/// they are added.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value) { return raw(name, json_string(value)); }
  JsonObject& count(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  JsonObject& truth(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  /// `json`: a value that is JSON already.
  JsonObject& raw(std::string_view name, std::string_view json) {
    out_.append(out_.empty() ? "{" : ",").append(json_string(name)).append(":").append(json);
    return *this;
  }
  [[nodiscard]] std::string done() const { return out_.empty() ? "{}" : out_ + "}"; }

 private:
  std::string out_;
};

/// A JSON array of what `write` makes of each element.
template <class Range, class Write>
[[nodiscard]] std::string json_array(const Range& range, Write write) {
  std::string out = "[";
  for (const auto& each : range) {
    out.append(out.size() == 1 ? "" : ",").append(write(each));
  }
  return out + "]";
}

}  // namespace tpx::live
