#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "kernel/kernel.h"

namespace tpx::cli {

/// What this process lacks to attach programs to tracepoints, with how to grant it; nothing when it lacks nothing.
/// The hint repeats the command line of this process.
[[nodiscard]] std::optional<Error> missing_privileges(const kernel::Paths& paths);

/// The tracefs that `paths` names, or the one that is found or mounted; a note on stderr says when it was mounted.
[[nodiscard]] Result<kernel::Tracefs> open_tracefs(const kernel::Paths& paths);

/// kernel::running_kernel(), with the same note.
[[nodiscard]] Result<kernel::Kernel> open_kernel(const kernel::Paths& paths);

}  // namespace tpx::cli
