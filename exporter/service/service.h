#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "http/message.h"
#include "kernel/kernel.h"
#include "live/cgroup_watch.h"
#include "loader/pin_directory.h"
#include "service/deploy.h"
#include "service/metric_detail.h"
#include "service/metric_service.h"
#include "service/own_metrics.h"
#include "service/prepare.h"
#include "service/scrapers.h"
#include "service/status.h"

namespace tpx::service {

struct ServiceOptions {
  std::vector<std::string> files;  ///< the configuration; none: the built-in one
  bool strict = false;             ///< a metric that can't be served makes the load fail
  kernel::Paths paths;
  SeriesStart series_start = SeriesStart::Zero;
  SeriesTimes times;
  bool exporter_metrics = true;  ///< false: nothing about this process itself, see OwnMetrics::leave_out_process()
  std::shared_ptr<spdlog::logger> log;
  /// Called once, before the first threads are made and after everything is attached: gives up privileges.
  std::function<void()> attached;
  /// Where counting goes on while no exporter runs; null: it ends with this process.
  std::shared_ptr<loader::PinDirectory> pins = nullptr;
  /// What this process lacks to attach programs, for the error of a start; may be null.
  std::function<std::optional<Error>()> missing_privileges;
};

/// How a load ended.
struct LoadResult {
  enum class Outcome : std::uint8_t {
    Served,   ///< the configuration is in use
    Refused,  ///< the configuration is wrong, or is not wanted as it is (strict)
    Failed    ///< the system can't do it
  };
  Outcome outcome = Outcome::Served;
  Errors errors = {};          ///< why it failed
  config::Config config = {};  ///< for the places of the errors
};

/// What the files said when they were loaded.
struct LoadedConfiguration {
  struct File {
    std::string path;
    std::string text;
  };
  std::vector<File> files;
  std::int64_t loaded_at = 0;  ///< seconds since the epoch
};

/// The last attempt to load the configuration.
struct LoadAttempt {
  std::int64_t at = 0;  ///< seconds since the epoch
  std::string report;   ///< all errors as `check` prints them, cut after some kilobytes; "": it is in use
};

/// All errors in one line, for a status page or a label: the first as a compiler writes it, and the number of further ones.
[[nodiscard]] std::string summary(const Errors& errors);

/// The exporter between its start and its end: loads the configuration, answers scrapes, tells its state, loads again. Owns
/// the deployment. Thread-safe.
///
///     Service service(options);
///     if (const LoadResult result = service.load(); result.outcome != LoadResult::Outcome::Served) { report; stop }
///     … service.scrape(request, response); … service.load();
/// See docs/design/pipeline.md.
class Service {
 public:
  explicit Service(ServiceOptions options);

  /// Loads the configuration and attaches; what ran before goes on when that fails. Loads come one after another, so that
  /// what runs is what the files said last. Never throws.
  LoadResult load();

  /// Answers with a page of all metrics, in the format that the request asks for.
  void scrape(const http::Request& request, http::Response& response);

  /// Reads the maps for the totals of events.
  [[nodiscard]] ExporterStatus status();

  /// The state without a look at the maps: costs little.
  [[nodiscard]] ExporterStatus counts();

  /// One metric with its series, which it reads now; nothing for a name that is not configured.
  [[nodiscard]] std::optional<MetricDetail> detail(const std::string& name);

  /// The configuration in use; empty before the first load.
  [[nodiscard]] LoadedConfiguration configuration() const;

  [[nodiscard]] LoadAttempt last_load() const;

  /// More metrics about the exporter itself. Before the first scrape.
  void add_own_metrics(std::function<std::vector<prometheus::MetricFamily>()> source);

  /// Why the last load failed, in one line; "" after a good one.
  [[nodiscard]] std::string load_error() const;

 private:
  /// What one configuration set up; replaced as a whole.
  struct Deployed {
    std::unique_ptr<live::CgroupWatch> cgroups;  ///< null where no label needs it, or the kernel can't
    std::unique_ptr<MetricService> metrics;
    LoadedConfiguration configuration;
  };

  [[nodiscard]] ExporterStatus status_of(Deployed& deployed, MetricService::Detail detail) const;
  [[nodiscard]] std::shared_ptr<Deployed> current() const;
  LoadResult try_load();
  LoadResult serve(Prepared prepared, const kernel::Kernel& kernel);
  LoadResult start(Deployment deployment, std::unique_ptr<live::CgroupWatch> cgroups, const kernel::Kernel& kernel,
                   LoadedConfiguration configuration);
  std::unique_ptr<live::CgroupWatch> watch_cgroups(const kernel::Kernel& kernel);
  [[nodiscard]] Result<kernel::Kernel> open_kernel();
  [[nodiscard]] const loader::Loaded* attached();
  void restore();
  void report_pins(const Result<void>& saved);
  void save_pins(const loader::Loaded& loaded);
  void log_notes(const Deployment& deployment) const;
  void log_warnings(const plan::PlannedMetric& metric) const;

  ServiceOptions options_;
  std::shared_ptr<spdlog::logger> log_;
  decode::Environment environment_;
  OwnMetrics own_;
  std::shared_ptr<Scrapers> scrapers_;  ///< outlives deployments: for whom a series is new does not change by a reload
  std::mutex pages_;                    ///< held while a page's series are read and written
  std::mutex loading_;
  bool started_ = false;  ///< by `loading_`
  /// By `loading_`: what the first load found out, without the type information, which takes megabytes.
  std::optional<kernel::Kernel> kernel_;
  bool has_btf_ = false;                     ///< by `loading_`
  bool restored_ = false;                    ///< by `loading_`
  std::optional<loader::Loaded> inherited_;  ///< by `loading_`: what an exporter before this one left counting
  mutable std::mutex mutex_;
  std::shared_ptr<Deployed> deployed_;
  std::string load_error_;  ///< by `mutex_`, as is the next
  LoadAttempt last_load_;
};

}  // namespace tpx::service
