#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_set>

namespace tpx::loader {

/// Ids of threads and processes, as the kernel's own namespace numbers them.
using Ids = std::unordered_set<std::uint32_t>;

/// Gives each id once more, some time after it was noted. A series is ended by a second look when its task's end was not
/// told the first time, or when it began anew afterwards: an event may be about a task that is gone, such as a block request
/// that outlived who issued it. Memory: what is noted in two periods, each as given or of the time between two calls,
/// whichever is longer. A plain value; the caller brings the clock.
class ExitEcho {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kPeriod{5};

  explicit ExitEcho(std::chrono::seconds period = kPeriod) : period_(period) {}

  void note(std::uint32_t id) { young_.insert(id); }
  /// Whether the id was noted, and take() has not returned it yet.
  [[nodiscard]] bool contains(std::uint32_t id) const { return young_.contains(id) || old_.contains(id); }
  /// Call it regularly. Adds to `ids` the ids that were noted more than one and at most about two periods ago.
  void take(Time now, Ids& ids);

 private:
  std::chrono::seconds period_;
  Ids young_;
  Ids old_;
  std::optional<Time> turned_;  ///< when young_ became old_
};

}  // namespace tpx::loader
