#pragma once

#include <string>
#include <vector>

#include "live/top_model.h"

namespace tpx::live {

/// What a sample of `top` is about.
struct TopSubject {
  std::string metric;  ///< name
  std::string help;
  std::vector<std::string> labels;  ///< names
};

/// One JSON object a sample, on a line: the metric, its sums, and an object a row with its labels, total and rate, and p50,
/// p90 and p99 of a histogram. Numbers are in the metric's unit. `time`: seconds since 1970.
[[nodiscard]] std::string top_json(const TopSubject& subject, const TopModel& model, const std::vector<TopRow>& rows,
                                   double time);

/// The rows in Prometheus' text format 0.0.4, buckets cumulative.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
[[nodiscard]] std::string top_prometheus(const TopSubject& subject, const TopModel& model,
                                         const std::vector<TopRow>& rows);

}  // namespace tpx::live
