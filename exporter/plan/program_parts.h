#pragma once

#include <utility>
#include <vector>

#include "plan/program_plan.h"

namespace tpx::plan {

/// The kernel's limit of maps that one program refers to (MAX_USED_MAPS in linux/bpf_verifier.h).
inline constexpr std::size_t kMapsPerProgram = 64;

/// Splits a program into as many as its metrics' maps need. All units of a metric stay in one part, in their order, so each
/// part counts its metrics as the whole would. Parts run one after another on each event. The metrics in `fixed` go to the
/// part that it says, the others where there is room; a part may be empty then.
[[nodiscard]] std::vector<ProgramPlan> split_by_maps(ProgramPlan program, const std::vector<PlannedMetric>& metrics,
                                                     const std::vector<std::vector<std::size_t>>& fixed = {});

/// Splits a program of at least two metrics into two, as split_by_maps() does: for one that is too long.
[[nodiscard]] std::pair<ProgramPlan, ProgramPlan> halve(const ProgramPlan& program);

/// The metrics of a program, each once, in the order of their first units.
[[nodiscard]] std::vector<std::size_t> metrics_of(const ProgramPlan& program);

}  // namespace tpx::plan
