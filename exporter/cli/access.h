#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "kernel/kernel.h"

namespace tpx::cli {

/// What this process lacks to attach programs to tracepoints, with how to grant it; nothing when it lacks nothing.
/// `command` is what the user typed after the program's name.
[[nodiscard]] std::optional<Error> missing_privileges(const kernel::Paths& paths, const std::string& command);

/// The tracefs that `paths` names, or the one that is found or mounted.
[[nodiscard]] Result<kernel::Tracefs> open_tracefs(const kernel::Paths& paths);

}  // namespace tpx::cli
