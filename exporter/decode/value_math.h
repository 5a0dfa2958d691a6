#pragma once

#include <cstdint>
#include <span>

#include "plan/metric_plan.h"

namespace tpx::decode {

/// Adds one row's value to another's, both laid out as plan::ValueLayout says: counters and histogram buckets add, a
/// histogram's 128-bit sum carries, and of gauges the one that was set wins (`value`, if both were).
void add_value(plan::MetricKind kind, std::span<std::uint64_t> to, std::span<const std::uint64_t> value);

/// True when `value` says anything: a counter or histogram that counted, a gauge that was set.
[[nodiscard]] bool has_value(plan::MetricKind kind, std::span<const std::uint64_t> value);

}  // namespace tpx::decode
