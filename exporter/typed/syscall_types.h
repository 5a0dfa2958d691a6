#pragma once

#include <string_view>

#include "schema/metric_schema.h"

namespace tpx::typed {

/// The type of a system call's argument as its C prototype has it. The syscalls/* formats say 8 bytes, unsigned, of every
/// argument: that is the register, of which an `int` (AT_FDCWD, a descriptor of -1) is only the lower, signed half.
[[nodiscard]] schema::ValueType syscall_argument_type(std::string_view declared);

}  // namespace tpx::typed
