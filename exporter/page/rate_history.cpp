#include "page/rate_history.h"

#include <algorithm>

namespace tpx::page {
namespace {

constexpr std::chrono::seconds kRecent{10};
constexpr std::size_t kLine = 3;  // samples that give two rates, which a line joins

}  // namespace

RateHistory::RateHistory(std::size_t points, std::chrono::milliseconds spacing) : points_(points), spacing_(spacing) {}

void RateHistory::sample(const service::ExporterStatus& status, Time now) {
  const std::scoped_lock lock(mutex_);
  const std::chrono::duration<double> elapsed = now - last_;
  if (samples_ > 0 && elapsed < spacing_) {
    return;
  }
  last_ = now;
  ++samples_;
  std::map<std::string, Track> next;
  for (const service::MetricStatus& metric : status.metrics) {
    const auto known = tracks_.find(metric.name);
    Track track = known == tracks_.end() ? Track{} : std::move(known->second);
    if (known != tracks_.end()) {
      track.rates.push_back(std::max(0.0, metric.events_total - track.total) / elapsed.count());
      if (track.rates.size() > points_) {
        track.rates.erase(track.rates.begin());
      }
    }
    track.total = metric.events_total;
    next[metric.name] = std::move(track);
  }
  tracks_ = std::move(next);
}

std::size_t RateHistory::missing(Time now) const {
  const std::scoped_lock lock(mutex_);
  const bool ignored = samples_ > 0 && now - last_ < spacing_;
  const std::size_t taken = samples_ + (ignored ? 0 : 1);
  if (taken < kLine) {
    return kLine - taken;
  }
  return now - last_ > kRecent ? 1 : 0;
}

std::vector<double> RateHistory::rates(const std::string& metric) const {
  const std::scoped_lock lock(mutex_);
  const auto found = tracks_.find(metric);
  return found == tracks_.end() ? std::vector<double>{} : found->second.rates;
}

}  // namespace tpx::page
