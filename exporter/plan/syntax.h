#pragma once

#include "base/error.h"
#include "config/config.h"
#include "plan/planner.h"

namespace tpx::plan {

/// What is wrong with the expressions of a configuration on every kernel: their syntax, and the names and arguments of the
/// decoders around labels. For callers without a kernel; make_plan() finds the same. Pure.
[[nodiscard]] Errors syntax_errors(const config::Config& config, const Options& options);

}  // namespace tpx::plan
