#pragma once

#include <cstdint>
#include <optional>

namespace tpx::kernel {

/// Measures how many events a tp_btf program misses while a task is preempted inside it. Since Linux 7.0 tasks can be
/// preempted there (commits a46023d5616e and f7d327654b88); until the task gets its CPU back, the kernel skips the program
/// for the events of other tasks on that CPU. Before 7.0 the result is 0.
///
/// Runs two threads on one CPU. An event of one thread makes the program spin for a few scheduler ticks (13 ms at 250 Hz;
/// before 7.0 nothing else runs on that CPU meanwhile); the other thread continues to make events. `wait_id` is the BTF id
/// of btf_trace_sched_process_wait, which fires in wait4(), without locks and rarely. Returns nothing when the program
/// can't be loaded or attached: the kernel has no bpf_loop() (before 5.17) or a privilege is missing. Leaves nothing
/// attached.
/// See docs/design/attachment.md.
[[nodiscard]] std::optional<std::uint64_t> misses_under_preemption(std::uint32_t wait_id);

}  // namespace tpx::kernel
