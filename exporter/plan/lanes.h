#pragma once

#include <string_view>

#include "kernel/kernel.h"
#include "plan/planner.h"
#include "schema/metric_schema.h"

namespace tpx::plan {

/// Decides how many rows a series has ("lanes") and which CPU adds to which, for a region whose other members are set:
///
///   rare                                           one row that all CPUs share
///   the rows of online CPUs fit largest_lanes      a row for each CPU that is online, one more that CPUs share which come
///                                                  online later
///   otherwise                                      as many rows as fit, a power of two; at least kLeastLanes
///
/// An atomic add to a row that a CPU shares with no other at the time costs at most 1 ns more than a plain one. Two CPUs that
/// add to one row a million times a second each wait 22 to 30 ns for each other (docs/performance.md).
void choose_lanes(schema::RegionLayout& region, bool rare, const kernel::Kernel& kernel, const Options& options);

/// Whether a tracepoint, `category/name` or a raw name, fires so rarely that CPUs do not meet in one row: when processes start
/// or exit, memory runs out, hardware fails.
[[nodiscard]] bool fires_rarely(std::string_view tracepoint);

}  // namespace tpx::plan
