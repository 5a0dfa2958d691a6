#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

namespace tpx::http {

/// Why the server closed a client's connection.
enum class Drop : std::uint8_t { Handshake, RequestTimeout, Idle, Stalled, ResponseTimeout, Memory, Limit };
inline constexpr std::array<const char*, 7> kDropNames = {"handshake",        "request_timeout", "idle", "stalled",
                                                          "response_timeout", "memory",          "limit"};

/// The HTTP server's own counters. Thread-safe.
class HttpStatistics {
 public:
  std::atomic<std::uint64_t> connections = 0;     ///< open now
  std::atomic<std::uint64_t> buffered_bytes = 0;  ///< unsent bytes of all responses

  void dropped(Drop reason) { drops_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t drops(Drop reason) const {
    return drops_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  }
  /// Counts a response with this status when it starts.
  void answered(int status) {
    const std::scoped_lock lock(mutex_);
    ++answers_[status];
  }
  [[nodiscard]] std::map<int, std::uint64_t> answers() const {
    const std::scoped_lock lock(mutex_);
    return answers_;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kDropNames.size()> drops_{};
  mutable std::mutex mutex_;
  std::map<int, std::uint64_t> answers_;
};

}  // namespace tpx::http
