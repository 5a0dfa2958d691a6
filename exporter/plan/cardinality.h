#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "plan/planner.h"

namespace tpx::plan {

/// An estimate of the number of values of a label.
struct LabelEstimate {
  enum class Kind : std::uint8_t {
    Fixed,     ///< at most `values`, known from its type or names
    Host,      ///< as many as `what` exist on the host, such as network interfaces
    Unbounded  ///< ever new values: ids, addresses, strings that programs choose
  };
  std::string label;
  Kind kind = Kind::Unbounded;
  std::uint64_t values = 0;  ///< for Fixed
  std::string what;          ///< `process names`, `text that programs choose`
  bool task_ids = false;     ///< process or thread ids
};

/// An estimate of the number of series of a metric, from types, names and decoders; no event is read.
struct SeriesEstimate {
  std::vector<LabelEstimate> labels;  ///< in the metric's order
  std::uint64_t fixed = 1;            ///< product of `values` of the Fixed labels, at most UINT32_MAX

  /// The label that contributes most: an Unbounded one, else a Host one, else the largest Fixed one; null without labels.
  [[nodiscard]] const LabelEstimate* driver() const;
};

/// `planned` must be the result of make_plan() for `metric`; `cpus` is the number of possible CPUs. A label that does not
/// parse is Unbounded.
[[nodiscard]] SeriesEstimate estimate_series(const config::Metric& metric, const PlannedMetric& planned, unsigned cpus,
                                             const Options& options);

/// The same, with the metric looked up in `config` by its location.
[[nodiscard]] SeriesEstimate estimate_series(const config::Config& config, const PlannedMetric& planned, unsigned cpus,
                                             const Options& options);

/// One warning for each Unbounded label: its kind of values, and what happens to series beyond max_series.
[[nodiscard]] std::vector<std::string> cardinality_warnings(const SeriesEstimate& estimate,
                                                            const PlannedMetric& planned);

/// `at most 64: signal 64`, `error 134 × comm (process names)`, `no bound: file (text that programs choose)`.
[[nodiscard]] std::string to_text(const SeriesEstimate& estimate);

}  // namespace tpx::plan
