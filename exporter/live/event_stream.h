#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/error.h"
#include "kernel/kernel.h"
#include "loader/program.h"
#include "loader/region.h"
#include "loader/ring_buffer.h"
#include "plan/event_plan.h"

namespace tpx::live {

/// The events of one tracepoint as they fire. Used by one thread. Detaches when it dies.
class EventStream {
 public:
  static constexpr std::uint32_t kRingBytes = 32U << 20U;

  /// Plans, generates and loads the program, without attaching it.
  [[nodiscard]] static Result<EventStream> open(const plan::EventRequest& request, const kernel::Kernel& kernel,
                                                const plan::Options& options, std::uint32_t ring_bytes = kRingBytes);

  [[nodiscard]] const plan::EventPlan& plan() const { return plan_; }

  [[nodiscard]] Result<void> attach();
  /// No event is recorded from now on; what is in the buffer can still be consumed.
  void detach();

  /// See loader::RingBuffer::consume(): records as plan() lays them out.
  template <class Visit>
  std::size_t consume(std::size_t most, Visit&& visit) {
    return ring_.consume(most, std::forward<Visit>(visit));
  }

  /// Events that passed the filter and found the buffer full, and those that the kernel did not run the program for.
  [[nodiscard]] std::uint64_t lost() const;
  /// False: this kernel does not say how often it did not run the program (before Linux 6.7, classic tracepoints), and
  /// lost() has the full buffer only.
  [[nodiscard]] bool knows_misses() const { return misses_are_true_; }

 private:
  EventStream(plan::EventPlan plan, loader::RingBuffer ring, loader::Region counters, loader::LoadedProgram program,
              bool misses_are_true)
      : plan_(std::move(plan)),
        ring_(std::move(ring)),
        counters_(std::move(counters)),
        program_(std::move(program)),
        misses_are_true_(misses_are_true) {}

  plan::EventPlan plan_;
  loader::RingBuffer ring_;
  loader::Region counters_;
  std::optional<loader::LoadedProgram> program_;
  bool misses_are_true_;
  std::uint64_t misses_ = 0;  ///< when it was detached
};

}  // namespace tpx::live
