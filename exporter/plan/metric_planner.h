#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "plan/planner.h"

namespace tpx::plan {

/// A unit with the attach point it belongs to.
struct PlacedUnit {
  AttachPoint point;
  Unit unit;
};

/// What planning one metric gives.
struct MetricOutcome {
  std::optional<PlannedMetric> metric;
  std::vector<PlacedUnit> units;
  Errors errors;
  /// Another kernel may serve the metric: no error is about how it is written, all are about what the kernel's formats and
  /// types say.
  bool kernel_dependent = false;
};

/// Plans one metric; `index` is what its units call it.
[[nodiscard]] MetricOutcome plan_metric(const config::Metric& metric, const std::string& full_name, std::size_t index,
                                        const kernel::Kernel& kernel, const Options& options);

}  // namespace tpx::plan
