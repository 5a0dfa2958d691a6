#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "schema/metric_schema.h"
#include "service/status.h"

namespace tpx::service {

/// One series at one moment.
struct SeriesSample {
  std::string labels;  ///< what stands between the braces; "" without labels
  double value = 0;    ///< counter, gauge: in the exposed unit. Histogram: the number of observations
  double sum = 0;      ///< histogram: in the exposed unit
};

/// One metric with its series at one moment, for its page. A plain value of bounded size.
struct MetricDetail {
  /// How many rows of the maps are decoded at most: the largest.
  static constexpr std::size_t kMostRows = 4096;

  MetricStatus status;
  SourceLocation at;                     ///< where the configuration has it
  std::vector<std::string> label_names;  ///< in the order of the configuration
  bool known = false;                    ///< false: it is not served, and what follows is empty
  std::size_t rows = 0;                  ///< in the maps
  std::vector<SeriesSample> series;  ///< largest first; rows whose labels read alike are one series, `other` included
  std::vector<double> bounds;        ///< histogram: the upper bounds as `le` has them, without +Inf
  std::vector<double> buckets;  ///< histogram: observations of each bucket of all series, +Inf last; not cumulative
  double sum = 0;               ///< histogram: of all series, in the exposed unit
};

/// What a series' value counts for when series are put in order, and what it means in the exposed unit. `value` has
/// ValueLayout::words() words.
[[nodiscard]] SeriesSample sample_of(const schema::MetricSchema& metric, std::span<const std::uint64_t> value);

}  // namespace tpx::service
