#pragma once

#include <cstdint>
#include <span>

#include "schema/metric_schema.h"

namespace tpx::decode {

/// Adds one row's value to another's, both laid out as plan::ValueLayout says: counters and histogram buckets add, a
/// histogram's 128-bit sum carries, and of gauges the one that was set wins (`value`, if both were).
void add_value(schema::MetricKind kind, std::span<std::uint64_t> to, std::span<const std::uint64_t> value);

/// Takes `value` away from `from`, word by word, a histogram's 128-bit sum with its borrow. Not for gauges.
void subtract_value(schema::MetricKind kind, std::span<std::uint64_t> from, std::span<const std::uint64_t> value);

/// True when no word of `value` that only grows (a counter's, a histogram's buckets) is above that of `whole`. Not for
/// gauges.
[[nodiscard]] bool covers(schema::MetricKind kind, std::span<const std::uint64_t> whole,
                          std::span<const std::uint64_t> value);

/// True when `value` says anything: a counter or histogram that counted, a gauge that was set.
[[nodiscard]] bool has_value(schema::MetricKind kind, std::span<const std::uint64_t> value);

}  // namespace tpx::decode
