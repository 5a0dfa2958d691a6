#include "decode/value_math.h"

#include <algorithm>
#include <cstddef>

namespace tpx::decode {

void add_value(schema::MetricKind kind, std::span<std::uint64_t> to, std::span<const std::uint64_t> value) {
  if (kind == schema::MetricKind::Gauge) {
    if (value[1] != 0) {
      std::copy(value.begin(), value.end(), to.begin());
    }
    return;
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] += value[i];
  }
  if (kind == schema::MetricKind::Histogram) {
    const std::size_t low = to.size() - 2;
    to[low + 1] += to[low] < value[low] ? 1U : 0U;
  }
}

void subtract_value(schema::MetricKind kind, std::span<std::uint64_t> from, std::span<const std::uint64_t> value) {
  if (kind == schema::MetricKind::Histogram) {
    const std::size_t low = from.size() - 2;
    from[low + 1] -= from[low] < value[low] ? 1U : 0U;
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    from[i] -= value[i];
  }
}

bool covers(schema::MetricKind kind, std::span<const std::uint64_t> whole, std::span<const std::uint64_t> value) {
  const std::size_t words = kind == schema::MetricKind::Histogram ? whole.size() - 2 : 1;
  for (std::size_t i = 0; i < words; ++i) {
    if (whole[i] < value[i]) {
      return false;
    }
  }
  return true;
}

bool has_value(schema::MetricKind kind, std::span<const std::uint64_t> value) {
  if (kind == schema::MetricKind::Gauge) {
    return value.size() > 1 && value[1] != 0;
  }
  return std::any_of(value.begin(), value.end(), [](std::uint64_t word) { return word != 0; });
}

}  // namespace tpx::decode
