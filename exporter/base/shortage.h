#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx {

/// Whether the system had too little of something for the moment: descriptors, memory, processes. The same call may succeed
/// later.
[[nodiscard]] bool is_shortage(const Error& error);

/// A second descriptor of the same open file; of an invalid one, an invalid one.
[[nodiscard]] Result<UniqueFd> duplicate(const UniqueFd& descriptor);

}  // namespace tpx
