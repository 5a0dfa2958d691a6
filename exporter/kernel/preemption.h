#pragma once

#include <cstdint>
#include <optional>

namespace tpx::kernel {

/// How many events a tp_btf program missed while a task was preempted inside of it. From Linux 7.0 tasks are preempted
/// there (commits a46023d5616e and f7d327654b88), and as long as the task waits for its CPU the kernel skips the program for
/// what other tasks do on it; before, none.
///
/// Runs two threads on one CPU: one's event makes the program spin for a few ticks of the scheduler (13 ms at 250 Hz, where
/// nothing runs on that CPU before 7.0), the other one goes on making events. `wait_id` is the BTF id of
/// btf_trace_sched_process_wait, which fires in wait4(), without locks and seldom. Nothing when the program could not be
/// loaded or attached: the kernel has no bpf_loop() (before 5.17) or the privilege is missing. Leaves nothing attached.
/// See docs/design/attachment.md.
[[nodiscard]] std::optional<std::uint64_t> misses_under_preemption(std::uint32_t wait_id);

}  // namespace tpx::kernel
