#pragma once

#include "base/error.h"
#include "config/config.h"
#include "plan/planner.h"

namespace tpx::plan {

/// The errors in a configuration's expressions that do not depend on the kernel: syntax, and the names and arguments of the
/// decoders of labels. For callers without a kernel; make_plan() reports the same errors. Pure.
[[nodiscard]] Errors syntax_errors(const config::Config& config, const Options& options);

}  // namespace tpx::plan
