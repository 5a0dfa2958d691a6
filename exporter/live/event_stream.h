#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kernel/kernel.h"
#include "loader/program.h"
#include "loader/region.h"
#include "loader/ring_buffer.h"
#include "plan/event_plan.h"

namespace tpx::live {

/// The events of a tracepoint, or of several, as they fire: all records are in one buffer, in the order in which the events
/// happened. Used by one thread. Detaches when it dies.
class EventStream {
 public:
  static constexpr std::uint32_t kRingBytes = 32U << 20U;

  /// Plans, generates and loads the program, without attaching it.
  [[nodiscard]] static Result<EventStream> open(const plan::EventRequest& request, const kernel::Kernel& kernel,
                                                const plan::Options& options, std::uint32_t ring_bytes = kRingBytes);

  /// The same for several requests; a record has its request's number at EventPlan::kNumber.
  [[nodiscard]] static Result<EventStream> open_all(const std::vector<plan::EventRequest>& requests,
                                                    const kernel::Kernel& kernel, const plan::Options& options,
                                                    std::uint32_t ring_bytes = kRingBytes);

  [[nodiscard]] const plan::EventPlan& plan() const { return sources_.front().plan; }
  [[nodiscard]] const plan::EventPlan& plan(std::size_t request) const { return sources_[request].plan; }

  [[nodiscard]] Result<void> attach();
  /// No event is recorded from now on; what is in the buffer can still be consumed.
  void detach();

  /// See loader::RingBuffer::consume(): records as plan() lays them out.
  template <class Visit>
  std::size_t consume(std::size_t most, Visit&& visit) {
    return ring_.consume(most, std::forward<Visit>(visit));
  }

  /// Events that passed the filter and found the buffer full, and those that the kernel did not run a program for.
  [[nodiscard]] std::uint64_t lost() const;

  /// False: the kernel does not count events that it did not run a program for (before 6.7, classic tracepoints).
  [[nodiscard]] bool counts_all_lost() const;

 private:
  struct Source {
    plan::EventPlan plan;
    std::optional<loader::LoadedProgram> program;
    bool misses_are_true = true;
  };
  EventStream(loader::RingBuffer ring, loader::Region counters)
      : ring_(std::move(ring)), counters_(std::move(counters)) {}
  [[nodiscard]] Result<void> add(const plan::EventRequest& request, const kernel::Kernel& kernel,
                                 const plan::Options& options);

  loader::RingBuffer ring_;
  loader::Region counters_;
  std::vector<Source> sources_;  ///< one a request
  std::uint64_t misses_ = 0;     ///< when it was detached
};

}  // namespace tpx::live
