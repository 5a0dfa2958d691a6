#pragma once

#include "plan/metric_planner.h"

namespace tpx::plan {

/// Plans a metric of a pair, whose source is one: see plan_metric().
[[nodiscard]] MetricOutcome plan_pair(const config::Metric& metric, const std::string& full_name, std::size_t index,
                                      const kernel::Kernel& kernel, const Options& options);

}  // namespace tpx::plan
