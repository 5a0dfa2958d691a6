#pragma once

namespace tpx::kernel {

class Btf;

/// What the BPF of a kernel can do, as plain flags, so that planning is pure. The values of kernels.md per version.
struct Features {
  bool fetch_atomics = true;           ///< fetching atomic add, exchange, compare-and-swap (5.12)
  bool mmapable_array = true;          ///< BPF_F_MMAPABLE (5.5)
  bool tp_btf = true;                  ///< BPF_PROG_TYPE_TRACING on raw tracepoints, with vmlinux BTF
  bool classic_tracepoint = true;      ///< perf_event_open of a tracepoint is permitted
  bool perf_link = true;               ///< BPF_LINK_CREATE on a perf event (5.15)
  bool ring_buffer = true;             ///< BPF_MAP_TYPE_RINGBUF (5.8)
  bool current_task_btf = true;        ///< bpf_get_current_task_btf (5.11)
  bool recursion_misses = true;        ///< bpf_prog_info.recursion_misses is there and true for classic programs (6.7)
  bool tp_btf_recursion_guard = true;  ///< a tp_btf program never nests in itself on a CPU (6.2)
  bool tp_btf_exact = true;  ///< no event is skipped as a task is preempted inside of a tp_btf program (until 7.0)
  bool realtime = false;     ///< PREEMPT_RT: softirqs and interrupt threads are preempted, too
};

/// Asks the running kernel, by loading tiny programs and creating tiny maps. Needs CAP_BPF and CAP_PERFMON; without them
/// everything that could not be asked is false. `btf` is vmlinux' (null: none, so no tp_btf). Leaves nothing loaded.
/// libbpf raises RLIMIT_MEMLOCK where the kernel charges maps to it (until 5.11).
[[nodiscard]] Features probe_features(const Btf* btf);

/// Whether this process may load tracing programs (CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN). Where it may not, nothing can
/// be probed.
[[nodiscard]] bool may_load_programs();

/// What the running kernel's release is known to have, for a process that may not probe it. `btf` as above.
[[nodiscard]] Features features_of_running_release(const Btf* btf);

/// The features that a release is known to have, for recorded kernels (`major`, `minor`).
[[nodiscard]] Features features_of_release(int major, int minor);

}  // namespace tpx::kernel
