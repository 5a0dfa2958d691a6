#pragma once

#include <vector>

namespace tpx::benchmark {

/// The middle of the values (the upper one of two). `values` must not be empty.
[[nodiscard]] double median(std::vector<double> values);

}  // namespace tpx::benchmark
