#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/kernel.h"
#include "plan/planner.h"

namespace tpx::plan {

/// Largest key that a program builds on its 512-byte stack.
inline constexpr std::uint32_t kLargestKey = 256;

/// The type that holds all of `types`: integers of the widest size, strings of the longest. An error when kinds differ.
[[nodiscard]] Result<schema::ValueType> common_type(const std::vector<schema::ValueType>& types);

/// Offsets for the fields, whose types are set. An error when the key is larger than kLargestKey.
[[nodiscard]] Result<schema::KeyLayout> lay_out(std::vector<schema::KeyField> fields);

/// Sets the bucket bounds, exposed and as kernel integers: the largest integer v with v * scale <= bound, for each bound.
/// `value.is_signed` is set.
void set_bounds(schema::ValueLayout& value, std::vector<double> exposed, double scale);

/// The store of a metric with this key and value, sized by max_series, with its reason. `rare`: its events are so rare that
/// all CPUs may share a row.
[[nodiscard]] schema::StorePlan choose_store(const schema::KeyLayout& key, const schema::ValueLayout& value,
                                             std::uint32_t max_series, const kernel::Kernel& kernel,
                                             const Options& options, bool rare = false);

}  // namespace tpx::plan
