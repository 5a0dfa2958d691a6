#include "loader/object_name.h"

#include <cctype>

namespace tpx::loader {

std::string object_name(std::string_view name) {
  constexpr std::string_view kNamespace = "tracepoint_";
  constexpr std::size_t kLongest = 15;
  if (name.starts_with(kNamespace)) {
    name.remove_prefix(kNamespace.size());
  }
  std::string result;
  for (const char c : name.substr(0, kLongest)) {
    result += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' ? c : '_';
  }
  return result;
}

}  // namespace tpx::loader
