#include "page/loss_history.h"

#include <condition_variable>
#include <exception>
#include <numeric>
#include <utility>

namespace tpx::page {
namespace {

constexpr const char* kOther = "other";  // no reason of a loss has this name

}  // namespace

std::uint64_t RecentLosses::lost_of(const std::string& metric) const {
  const auto found = lost.find(metric);
  return found == lost.end() ? 0
                             : std::accumulate(found->second.begin(), found->second.end(), std::uint64_t{0},
                                               [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

std::uint64_t RecentLosses::other_of(const std::string& metric) const {
  const auto found = other.find(metric);
  return found == other.end() ? 0 : found->second;
}

LossHistory::Sample LossHistory::sample_of(const service::ExporterStatus& status, Time now) {
  Sample sample{now, {}};
  for (const service::MetricStatus& metric : status.metrics) {
    for (const auto& [reason, count] : metric.lost) {
      if (count > 0) {
        sample.counts[metric.name][reason] = count;
      }
    }
    if (metric.other > 0) {
      sample.counts[metric.name][kOther] = metric.other;
    }
  }
  return sample;
}

void LossHistory::observe(const service::ExporterStatus& status, Time now) {
  Sample sample = sample_of(status, now);
  const std::scoped_lock lock(mutex_);
  if (now - samples_.back().at < kSpacing) {
    return;
  }
  samples_.push_back(std::move(sample));
  while (samples_.size() > 1 && now - samples_[1].at >= kWindow) {
    samples_.pop_front();
    dropped_ = true;
  }
}

void LossHistory::add(const Sample& before, const Sample& after, RecentLosses& losses) {
  for (const auto& [metric, counts] : after.counts) {
    const auto known = before.counts.find(metric);
    for (const auto& [reason, count] : counts) {
      std::uint64_t last = 0;
      if (known != before.counts.end()) {
        const auto found = known->second.find(reason);
        last = found == known->second.end() ? 0 : found->second;
      }
      const std::uint64_t more = count >= last ? count - last : count;
      if (more > 0) {
        (reason == kOther ? losses.other[metric] : losses.lost[metric][reason]) += more;
      }
    }
  }
}

RecentLosses LossHistory::recent(const service::ExporterStatus& status, Time now) const {
  const Sample last = sample_of(status, now);
  RecentLosses losses;
  const std::scoped_lock lock(mutex_);
  std::size_t first = 0;
  while (first + 1 < samples_.size() && now - samples_[first + 1].at >= kWindow) {
    ++first;  // the sampler may be late
  }
  for (std::size_t i = first; i + 1 < samples_.size(); ++i) {
    add(samples_[i], samples_[i + 1], losses);
  }
  add(samples_.back(), last, losses);
  losses.span = std::chrono::duration_cast<std::chrono::seconds>(now - samples_[first].at);
  losses.since_start = !dropped_ && first == 0;
  return losses;
}

namespace {

/// False: out of memory, so that this sample is left out.
bool sample(LossHistory& history, const service::StatusSource& status) {
  try {
    history.observe(status(), std::chrono::steady_clock::now());
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::jthread sample_losses(std::shared_ptr<LossHistory> history, service::StatusSource status) {
  return std::jthread([history = std::move(history), status = std::move(status)](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      static_cast<void>(sample(*history, status));
      wake.wait_for(lock, stop, LossHistory::kSpacing, [] { return false; });
    }
  });
}

}  // namespace tpx::page
