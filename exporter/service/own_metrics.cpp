#include "service/own_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <exception>

namespace tpx::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr const char* kPrefix = "tracepoint_exporter_";

/// A family being filled.
class Builder {
 public:
  Builder(std::string name, std::string help, MetricType type) {
    family_.name = kPrefix + std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }
  void add(std::vector<ClientMetric::Label> labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    family_.metric.push_back(std::move(metric));
  }
  void add(std::vector<ClientMetric::Label> labels, std::uint64_t value) {
    add(std::move(labels), static_cast<double>(value));
  }
  void into(std::vector<MetricFamily>& all) {
    if (!family_.metric.empty()) {
      all.push_back(std::move(family_));
    }
  }

 private:
  MetricFamily family_;
};

std::string compiler_name() {
#if defined(__clang__)
  return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#else
  return "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#endif
}

void add_metrics(const ExporterStatus& status, std::vector<MetricFamily>& all) {
  Builder up("metric_up", "1 if the metric counts; else 0, with the reason.", MetricType::Gauge);
  Builder series("metric_series", "Label sets in use, without the series \"other\".", MetricType::Gauge);
  Builder limit("metric_series_limit", "Limit of label sets (max_series).", MetricType::Gauge);
  Builder events("metric_events_total",
                 "Events counted, summed over all series; for a counter with value, the sum of the values.",
                 MetricType::Counter);
  Builder other("metric_events_other_total",
                "Events counted in the series \"other\", as there was no room for their label set.",
                MetricType::Counter);
  Builder unshown(
      "events_unshown_total",
      "Events of series that were removed before every scraper had received them; they are in \"exited\" or "
      "\"other\".",
      MetricType::Counter);
  Builder lost("metric_events_lost_total",
               "Events that could not be counted, by reason; \"unknown\": this kernel does not say how many.",
               MetricType::Counter);
  Builder unmatched("metric_pair_events_unmatched_total",
                    "Starts that were followed by another start, and ends that no start preceded.",
                    MetricType::Counter);
  Builder faults("metric_read_faults_total",
                 "Failed reads of memory: a string becomes \"<fault>\", a number 0. The events are counted.",
                 MetricType::Counter);
  Builder bytes("metric_map_bytes", "Kernel memory of the metric's maps.", MetricType::Gauge);
  for (const MetricStatus& metric : status.metrics) {
    up.add({{"metric", metric.name}, {"reason", metric.up ? "" : metric.reason}}, metric.up ? 1.0 : 0.0);
    if (!metric.up) {
      continue;  // nothing is loaded: zeros would look like measurements
    }
    series.add({{"metric", metric.name}}, metric.series);
    limit.add({{"metric", metric.name}}, metric.series_limit);
    if (metric.type != "gauge") {
      events.add({{"metric", metric.name}}, metric.events_total);
    }
    other.add({{"metric", metric.name}}, metric.other);
    unshown.add({{"metric", metric.name}}, metric.unshown);
    faults.add({{"metric", metric.name}}, metric.read_faults);
    bytes.add({{"metric", metric.name}}, metric.map_bytes);
    for (const auto& [reason, count] : metric.lost) {
      lost.add({{"metric", metric.name}, {"reason", reason}}, count);
    }
    for (const auto& [reason, count] : metric.unmatched) {
      unmatched.add({{"metric", metric.name}, {"reason", reason}}, count);
    }
  }
  for (Builder* builder : {&up, &series, &limit, &events, &other, &unshown, &lost, &unmatched, &faults, &bytes}) {
    builder->into(all);
  }
}

void add_programs(const ExporterStatus& status, std::vector<MetricFamily>& all) {
  if (!status.statistics) {
    return;
  }
  Builder runs("program_runs_total", "Runs of a BPF program while the kernel's BPF statistics were on.",
               MetricType::Counter);
  Builder seconds("program_run_seconds_total", "Time spent in a BPF program while the kernel's BPF statistics were on.",
                  MetricType::Counter);
  for (const ProgramStatus& program : status.programs) {
    runs.add({{"program", program.name}}, program.runs);
    seconds.add({{"program", program.name}}, program.run_seconds);
  }
  runs.into(all);
  seconds.into(all);
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const std::string& name, const std::string& help,
                         const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge().Name(kPrefix + name).Help(help).Register(registry).Add(labels);
}

}  // namespace

BuildInfo this_build() {
  return {TPX_VERSION, "", compiler_name()};
}

std::vector<MetricFamily> status_families(const ExporterStatus& status) {
  std::vector<MetricFamily> all;
  Builder scrapers("scrapers", "Scrapers that received a response in the last minutes.", MetricType::Gauge);
  scrapers.add({}, std::uint64_t{status.scrapers});
  scrapers.into(all);
  add_metrics(status, all);
  add_programs(status, all);
  return all;
}

OwnMetrics::OwnMetrics(const BuildInfo& build, std::string procfs)
    : registry_(std::make_shared<prometheus::Registry>()),
      scrapes_(std::make_shared<prometheus::Registry>()),
      process_(std::move(procfs)) {
  prometheus::Labels labels = {{"version", build.version}, {"compiler", build.compiler}};
  if (!build.revision.empty()) {
    labels["revision"] = build.revision;
  }
  gauge(*registry_, "build_info", "1, with the build in the labels.", labels).Set(1);
  last_scrape_ = &gauge(*scrapes_, "last_scrape_duration_seconds", "How long the last finished scrape took to answer.");
  reload_successful_ =
      &gauge(*registry_, "config_last_reload_successful", "1 if the last load of the configuration succeeded.");
  reload_time_ = &gauge(*registry_, "config_last_reload_success_timestamp_seconds",
                        "Time of the last successful load of the configuration, in seconds since the epoch.");
  reload_errors_ =
      &prometheus::BuildGauge()
           .Name(std::string(kPrefix) + "config_last_reload_error_info")
           .Help("1, with the reason why the last load of the configuration failed; absent when it succeeded.")
           .Register(*registry_);
  scrape_durations_ = &prometheus::BuildHistogram()
                           .Name(std::string(kPrefix) + "scrape_duration_seconds")
                           .Help("How long scrapes took to answer.")
                           .Register(*scrapes_)
                           .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                                            0.1, 0.25, 0.5, 1, 2.5, 5, 10});
}

void OwnMetrics::observe_scrape(double seconds) {
  last_scrape_->Set(seconds);
  scrape_durations_->Observe(seconds);
}

void OwnMetrics::observe_reload(bool successful, double now, const std::string& reason) {
  const std::lock_guard lock(reload_mutex_);
  if (reload_error_ != nullptr) {
    reload_errors_->Remove(reload_error_);
    reload_error_ = nullptr;
  }
  if (!successful) {
    reload_error_ = &reload_errors_->Add({{"error", reason}});
    reload_error_->Set(1);
  }
  reload_successful_->Set(successful ? 1 : 0);
  if (successful) {
    reload_time_->Set(now);
  }
}

void OwnMetrics::add_source(std::function<std::vector<MetricFamily>()> source) {
  sources_.push_back(std::move(source));
}

std::vector<MetricFamily> OwnMetrics::collect(const ExporterStatus& status) const {
  std::vector<MetricFamily> all = status_families(status);
  const auto add = [&all](const prometheus::Collectable& source) {
    std::vector<MetricFamily> more;
    try {
      more = source.Collect();
    } catch (const std::exception&) {
      more.clear();  // the library may run out of memory; the rest is still worth having
    }
    std::move(more.begin(), more.end(), std::back_inserter(all));
  };
  add(*registry_);
  if (!only_status_) {
    add(*scrapes_);
    add(process_);
    for (const auto& source : sources_) {
      std::vector<MetricFamily> more = source();
      std::move(more.begin(), more.end(), std::back_inserter(all));
    }
  }
  std::sort(all.begin(), all.end(), [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  return all;
}

}  // namespace tpx::service
