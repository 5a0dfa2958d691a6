#pragma once

#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "service/process_metrics.h"
#include "service/status.h"

namespace tpx::service {

struct BuildInfo {
  std::string version;
  std::string revision;  ///< "" when unknown; then the label is left out
  std::string compiler;
};

/// This build: the version from CMake, the compiler from its own macros.
[[nodiscard]] BuildInfo this_build();

/// The exporter's own metrics, kept in a prometheus-cpp registry; what a status says is added at each collection.
/// Thread-safe. No function throws: a library's exception leaves out what it concerns.
class OwnMetrics {
 public:
  OwnMetrics(const BuildInfo& build, std::string procfs);

  /// A scrape took this long.
  void observe_scrape(double seconds);
  /// The configuration was loaded, or was not, for this reason; `now` in seconds since the epoch.
  void observe_reload(bool successful, double now, const std::string& reason = "");

  /// More families, asked for at each collection, by several threads at once. Before the first collection.
  void add_source(std::function<std::vector<prometheus::MetricFamily>()> source);

  /// From now on collect() has only what a status says and whether the configuration was loaded: nothing about the process,
  /// its HTTP server or the scrapes. Before the first collection.
  void leave_out_process() { only_status_ = true; }

  /// Everything, sorted by name.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect(const ExporterStatus& status) const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  std::shared_ptr<prometheus::Registry> scrapes_;  ///< what goes with the process
  ProcessMetrics process_;
  bool only_status_ = false;
  std::vector<std::function<std::vector<prometheus::MetricFamily>()>> sources_;
  prometheus::Histogram* scrape_durations_ = nullptr;  ///< owned by the registry, as all of these
  prometheus::Gauge* last_scrape_ = nullptr;
  prometheus::Gauge* reload_successful_ = nullptr;
  prometheus::Gauge* reload_time_ = nullptr;
  std::mutex reload_mutex_;  ///< guards the following
  prometheus::Family<prometheus::Gauge>* reload_errors_ = nullptr;
  prometheus::Gauge* reload_error_ = nullptr;  ///< null after a good load
};

/// What a status says, as families.
[[nodiscard]] std::vector<prometheus::MetricFamily> status_families(const ExporterStatus& status);

}  // namespace tpx::service
