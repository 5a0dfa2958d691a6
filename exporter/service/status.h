#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tpx::service {

/// One loaded program, which may serve several metrics.
struct ProgramStatus {
  std::string name;        ///< unique, such as `sched/sched_switch`
  std::uint64_t runs = 0;  ///< while BPF statistics were on; 0 otherwise
  double run_seconds = 0;  ///< likewise
};

/// What there is to say of one configured metric at one moment. A plain value.
struct MetricStatus {
  std::string name;  ///< with its namespace
  std::string help;
  std::string type;                      ///< counter, gauge, histogram
  bool up = false;                       ///< every one of its attach points is attached
  std::string reason;                    ///< why it is not up; "" when it is
  std::string hint;                      ///< what to do about that, or about lost events; may be ""
  std::vector<std::string> tracepoints;  ///< `category/name`
  std::string attach;                    ///< tp_btf, tracepoint, …
  std::string attach_reason;
  std::string store;  ///< array, table, per-CPU hash
  std::string store_reason;
  std::uint64_t series = 0;
  std::uint64_t series_limit = 0;
  std::uint64_t other = 0;                         ///< events counted as `other`
  std::uint64_t unshown = 0;                       ///< events of series that had to go before a scraper was shown them
  std::map<std::string, std::uint64_t> lost;       ///< by reason, zeros included; "unknown": 0, the kernel does not say
  std::map<std::string, std::uint64_t> unmatched;  ///< of a pair: halves that never met, by reason; not a loss
  std::uint64_t read_faults = 0;                   ///< reads of memory that failed
  std::uint64_t map_bytes = 0;
  bool counts_events = true;          ///< false: events_total adds up values, such as bytes
  double events_total = 0;            ///< since the start; what RateHistory turns into rates
  std::vector<std::string> programs;  ///< names of ProgramStatus
};

struct ExporterStatus {
  std::vector<MetricStatus> metrics;  ///< in the order of the configuration
  std::vector<ProgramStatus> programs;
  std::size_t scrapers = 0;  ///< that have scraped in the last minutes
  bool statistics = false;   ///< BPF statistics are on: runs and run_seconds mean something
};

/// Made anew at each call; called from several threads at once.
using StatusSource = std::function<ExporterStatus()>;

/// The sum of the lost events over all reasons.
[[nodiscard]] std::uint64_t total_lost(const MetricStatus& metric);

/// Mean nanoseconds of a run over the programs of a metric; nothing without statistics or runs. A program that serves
/// several metrics costs this once for all of them.
[[nodiscard]] std::optional<double> nanoseconds_per_run(const MetricStatus& metric, const ExporterStatus& status);

}  // namespace tpx::service
