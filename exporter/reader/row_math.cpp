#include "reader/row_math.h"

#include <algorithm>

namespace tpx::reader {

void add_words(std::uint64_t* sum, const std::uint64_t* words, std::uint32_t count, schema::MetricKind kind) {
  if (kind == schema::MetricKind::Gauge) {
    std::copy_n(words, count, sum);
    return;
  }
  const std::uint32_t plain = kind == schema::MetricKind::Histogram ? count - 2 : count;
  for (std::uint32_t i = 0; i < plain; ++i) {
    sum[i] += words[i];
  }
  if (kind == schema::MetricKind::Histogram) {
    const std::uint64_t low = sum[count - 2] + words[count - 2];
    sum[count - 1] += words[count - 1] + (low < words[count - 2] ? 1 : 0);
    sum[count - 2] = low;
  }
}

}  // namespace tpx::reader
