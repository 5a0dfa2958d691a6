#pragma once

#include <cstdint>
#include <cstdlib>

namespace tpx::test {

/// A number that the environment may set, such as how many random cases a long run tries.
inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace tpx::test
