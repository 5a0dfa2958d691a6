#pragma once

#include <prometheus/collectable.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace tpx::service {

/// A process' figures from procfs, in the units of the exposed metrics.
struct ProcessFigures {
  double cpu_seconds = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
  double start_seconds = 0;  ///< since the epoch
};

/// Reads the text of `/proc/PID/stat` (proc_pid_stat(5)). `ticks` a second, `page` bytes, `boot` seconds since the epoch.
[[nodiscard]] Result<ProcessFigures> parse_process_stat(std::string_view text, double ticks, double page, double boot);

/// The `btime` of `/proc/stat`.
[[nodiscard]] Result<double> parse_boot_time(std::string_view text);

/// The process_* metrics of Prometheus' client libraries for this process. What can't be read is left out. Thread-safe.
class ProcessMetrics : public prometheus::Collectable {
 public:
  explicit ProcessMetrics(std::string procfs) : procfs_(std::move(procfs)) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::string procfs_;
};

}  // namespace tpx::service
