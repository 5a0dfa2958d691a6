#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "plan/planner.h"

namespace tpx::plan {

/// How many values a label may take.
struct LabelEstimate {
  enum class Kind : std::uint8_t {
    Fixed,     ///< at most `values`, by its type or its names
    Host,      ///< as many as the host has of `what`, such as network interfaces
    Unbounded  ///< new values without end: ids, addresses, texts that programs choose
  };
  std::string label;
  Kind kind = Kind::Unbounded;
  std::uint64_t values = 0;  ///< Fixed
  std::string what;          ///< `process names`, `text that programs choose`
  bool task_ids = false;     ///< process or thread ids
};

/// What drives the number of series of a metric. An estimate from types, names and decoders; nothing is read.
struct SeriesEstimate {
  std::vector<LabelEstimate> labels;  ///< in the order of the metric
  std::uint64_t fixed = 1;            ///< product over the Fixed ones, at most UINT32_MAX

  /// The label that drives it: one without bound, else one of the host, else the largest; null without labels.
  [[nodiscard]] const LabelEstimate* driver() const;
};

/// `planned` must be what make_plan() gave for `metric`; `cpus` are the possible CPUs. A label that does not parse is
/// unbounded.
[[nodiscard]] SeriesEstimate estimate_series(const config::Metric& metric, const PlannedMetric& planned, unsigned cpus,
                                             const Options& options);

/// The same for a planned metric of `config`, which is looked up by its place.
[[nodiscard]] SeriesEstimate estimate_series(const config::Config& config, const PlannedMetric& planned, unsigned cpus,
                                             const Options& options);

/// For each label without bound: what it holds, and what becomes of the series beyond max_series.
[[nodiscard]] std::vector<std::string> cardinality_warnings(const SeriesEstimate& estimate,
                                                            const PlannedMetric& planned);

/// `at most 64: signal 64`, `error 134 × comm (process names)`, `no bound: file (text that programs choose)`.
[[nodiscard]] std::string to_text(const SeriesEstimate& estimate);

}  // namespace tpx::plan
