#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "service/status.h"

namespace tpx::page {

/// Events a second of each metric over the last samples, for the landing page. Thread-safe.
class RateHistory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Keeps `points` rates; samples that follow the last one by less than `spacing` are ignored.
  explicit RateHistory(std::size_t points = 60, std::chrono::milliseconds spacing = std::chrono::milliseconds(250));

  /// Takes the totals of a status. A total below the last one (a reload) counts as no events; metrics that are not in
  /// the status are forgotten.
  void sample(const service::ExporterStatus& status, Time now);

  /// How many samples to take after one at `now`, so that there is a line of rates whose last is not a mean over long.
  [[nodiscard]] std::size_t missing(Time now) const;

  /// Events a second between consecutive samples, oldest first; empty before the second sample.
  [[nodiscard]] std::vector<double> rates(const std::string& metric) const;

 private:
  struct Track {
    double total = 0;
    std::vector<double> rates;
  };
  const std::size_t points_;
  const std::chrono::milliseconds spacing_;
  mutable std::mutex mutex_;
  Time last_{};
  std::size_t samples_ = 0;
  std::map<std::string, Track> tracks_;
};

}  // namespace tpx::page
