#pragma once

#include <chrono>
#include <mutex>

namespace tpx::http {

/// A token bucket over all requests of the server, as the web configuration's rate_limit: it holds at most `burst` tokens
/// and gains one each `interval`; a request takes one. Thread-safe.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// The bucket is full at first. Both are positive.
  RateLimit(std::chrono::nanoseconds interval, unsigned burst) : interval_(interval), burst_(burst), tokens_(burst) {}

  /// Takes a token. False: there is none.
  [[nodiscard]] bool allow(Clock::time_point now);
  /// In which time a token comes, in whole seconds: for Retry-After.
  [[nodiscard]] std::chrono::seconds retry_after() const { return std::chrono::ceil<std::chrono::seconds>(interval_); }

 private:
  const std::chrono::nanoseconds interval_;
  const double burst_;
  std::mutex mutex_;
  double tokens_;
  Clock::time_point looked_{};
};

}  // namespace tpx::http
