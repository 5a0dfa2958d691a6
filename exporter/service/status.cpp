#include "service/status.h"

#include <algorithm>
#include <numeric>

namespace tpx::service {

std::uint64_t total_lost(const MetricStatus& metric) {
  return std::accumulate(metric.lost.begin(), metric.lost.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

std::optional<double> nanoseconds_per_run(const MetricStatus& metric, const ExporterStatus& status) {
  std::uint64_t runs = 0;
  double seconds = 0;
  for (const ProgramStatus& program : status.programs) {
    if (std::find(metric.programs.begin(), metric.programs.end(), program.name) != metric.programs.end()) {
      runs += program.runs;
      seconds += program.run_seconds;
    }
  }
  if (!status.statistics || runs == 0) {
    return std::nullopt;
  }
  return seconds * 1e9 / static_cast<double>(runs);
}

}  // namespace tpx::service
