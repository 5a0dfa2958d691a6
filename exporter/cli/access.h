#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "cli/stop_signal.h"
#include "decode/decoder.h"
#include "kernel/kernel.h"

namespace tpx::cli {

/// What this process lacks to attach programs to tracepoints, with how to grant it; nothing when it lacks nothing.
/// The hint repeats the command line of this process.
[[nodiscard]] std::optional<Error> missing_privileges(const kernel::Paths& paths);

/// The tracefs that `paths` names, or the one that is found or mounted; a note on stderr says when it was mounted.
[[nodiscard]] Result<kernel::Tracefs> open_tracefs(const kernel::Paths& paths);

/// kernel::running_kernel(), with the same note.
[[nodiscard]] Result<kernel::Kernel> open_kernel(const kernel::Paths& paths);

/// What a command needs that attaches programs for as long as it runs.
struct AttachingCommand {
  StopSignal stop;
  kernel::Kernel kernel;
};

/// Takes over the signals and opens the kernel; fails with what is missing, privileges first.
[[nodiscard]] Result<AttachingCommand> prepare_to_attach(const kernel::Paths& paths);

/// What label decoders read, below `paths`.
[[nodiscard]] decode::Environment decoder_environment(const kernel::Paths& paths);

}  // namespace tpx::cli
