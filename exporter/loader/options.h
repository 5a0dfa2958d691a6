#pragma once

#include <cstring>
#include <type_traits>

namespace tpx::loader {

/// An options struct of libbpf with every field at its default and `sz` set, as libbpf's LIBBPF_OPTS makes it; that macro is
/// C with GNU extensions. All bytes are zero, padding too: libbpf refuses others (bpf.h, OPTS_VALID).
template <typename Options>
[[nodiscard]] Options default_options() {
  static_assert(std::is_trivially_copyable_v<Options>);
  Options options;
  std::memset(&options, 0, sizeof options);
  options.sz = sizeof options;
  return options;
}

}  // namespace tpx::loader
