#pragma once

#include <string>

#include "plan/program_plan.h"

namespace tpx::service {

/// What `check` says of a metric: how it is attached and why, on what, how it is kept and what that takes, what an event
/// costs, what was left out. Its name first, then a line each, indented.
[[nodiscard]] std::string plan_summary(const plan::PlannedMetric& metric);

}  // namespace tpx::service
