#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "service/status.h"

namespace tpx::page {

/// What was lost over the last minutes.
struct RecentLosses {
  using Counts = std::map<std::string, std::uint64_t>;
  std::chrono::seconds span{0};                ///< how far back it goes
  bool since_start = true;                     ///< that is as far as there is
  std::map<std::string, Counts> lost;          ///< by metric and reason, what was lost alone
  std::map<std::string, std::uint64_t> other;  ///< by metric: events counted as `other`

  [[nodiscard]] std::uint64_t lost_of(const std::string& metric) const;
  [[nodiscard]] std::uint64_t other_of(const std::string& metric) const;
};

/// Samples the loss counters of the metrics, so that a page can tell what was lost lately. Keeps counters above zero alone, so
/// that it takes no memory while nothing is lost. Thread-safe.
class LossHistory {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kWindow{300};
  static constexpr std::chrono::seconds kSpacing{15};

  /// All counters were 0 at `start`.
  explicit LossHistory(Time start) : samples_{Sample{start, {}}} {}

  /// Takes a sample; one that follows the last one by less than kSpacing is ignored.
  void observe(const service::ExporterStatus& status, Time now);

  /// The losses from the oldest sample in the window to `status`. A counter below its last sample began anew (a reload).
  [[nodiscard]] RecentLosses recent(const service::ExporterStatus& status, Time now) const;

 private:
  struct Sample {
    Time at;
    std::map<std::string, RecentLosses::Counts> counts;  ///< by metric and reason
  };
  static Sample sample_of(const service::ExporterStatus& status, Time now);
  static void add(const Sample& before, const Sample& after, RecentLosses& losses);

  mutable std::mutex mutex_;
  std::deque<Sample> samples_;
  bool dropped_ = false;  ///< the first sample is not the start
};

/// A thread that samples `status` every LossHistory::kSpacing until it is destroyed. `status` should cost little.
[[nodiscard]] std::jthread sample_losses(std::shared_ptr<LossHistory> history, service::StatusSource status);

}  // namespace tpx::page
