#pragma once

#include <cstdint>

namespace tpx::benchmark {

/// Tight loops that make events, on one CPU and ahead of all ordinary threads (SCHED_FIFO, where that is allowed), so that
/// neighbours don't interfere. Each gives CPU nanoseconds an event.
enum class Workload : std::uint8_t {
  Switches,          ///< two threads that yield to each other: every sched_yield() is a context switch
  Getppid,           ///< a system call that does nothing
  CloseSame,         ///< close() of a descriptor that nobody has, numbers 0x1000 to 0x1000000: for a histogram
  CloseTenThousand,  ///< … of 10,000 numbers in turn
  CloseNew           ///< … of a number never used before
};

/// Runs `events` events. Not thread-safe: one at a time.
[[nodiscard]] double run(Workload workload, int events);

}  // namespace tpx::benchmark
