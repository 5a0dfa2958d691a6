#include "support/statistics.h"

#include <algorithm>

namespace tpx::benchmark {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace tpx::benchmark
