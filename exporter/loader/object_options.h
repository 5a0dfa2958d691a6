#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "config/config.h"

struct bpf_object;

namespace tpx::loader {

/// Sets the `const volatile` variables of an object that is open and not loaded, by their BTF: integers in range, booleans,
/// enums by name or number, char arrays that the text fits into with its NUL. The first error has the option's place.
[[nodiscard]] Result<void> set_options(::bpf_object* object, const std::map<std::string, config::Text>& options);

/// The value of an integer variable of at most 8 bytes; nothing when there is none.
[[nodiscard]] std::optional<std::int64_t> constant_of(const ::bpf_object* object, const std::string& name);

}  // namespace tpx::loader
