/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How long threads were off a CPU, by process and by why they left it. */
#include "tpx.bpf.h"

const volatile __u64 min_ns = 0;      /* shorter absences are not counted */
const volatile __u32 target_tgid = 0; /* one process only; 0: all */

enum offcpu_reason { PREEMPTED, SLEEP, DISK, STOPPED };

struct departure {
  __u64 time;
  enum offcpu_reason reason;
};

struct offcpu_key {
  __u32 pid;
  char comm[16];
  enum offcpu_reason reason;
};

struct offcpu_value {
  __u64 ns;
  __u64 times;
};

TPX_MAP(left, LRU_HASH, __u32, struct departure, 65536);
TPX_MAP(offcpu, HASH, struct offcpu_key, struct offcpu_value, 16384);

/* `state` was renamed to `__state` in Linux 5.14. */
struct task_struct___old {
  long state;
} __attribute__((preserve_access_index));

static __always_inline long state_of(struct task_struct* task) {
  if (bpf_core_field_exists(task->__state)) {
    return BPF_CORE_READ(task, __state);
  }
  return BPF_CORE_READ((struct task_struct___old*)task, state);
}

static __always_inline enum offcpu_reason reason_of(bool preempted, long state) {
  if (preempted || state == 0) {
    return PREEMPTED;
  }
  if (state & 2) { /* TASK_UNINTERRUPTIBLE; idle kernel threads (TASK_NOLOAD, 0x400) sleep */
    return state & 0x400 ? SLEEP : DISK;
  }
  return state & 0xc ? STOPPED : SLEEP; /* __TASK_STOPPED, __TASK_TRACED */
}

static __always_inline bool wanted(struct task_struct* task) {
  const __u32 tgid = BPF_CORE_READ(task, tgid);
  return tgid != 0 && (target_tgid == 0 || tgid == target_tgid);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(offcpu_switch, bool preempt, struct task_struct* prev, struct task_struct* next) {
  const __u64 now = bpf_ktime_get_ns();
  if (wanted(prev)) {
    const __u32 tid = BPF_CORE_READ(prev, pid);
    const struct departure departure = {.time = now, .reason = reason_of(preempt, state_of(prev))};
    bpf_map_update_elem(&left, &tid, &departure, BPF_ANY);
  }
  if (!wanted(next)) {
    return 0;
  }
  const __u32 tid = BPF_CORE_READ(next, pid);
  struct departure* departure = bpf_map_lookup_elem(&left, &tid);
  if (!departure) {
    return 0;
  }
  const __u64 ns = now - departure->time;
  struct offcpu_key key = {.pid = BPF_CORE_READ(next, tgid), .reason = departure->reason};
  bpf_map_delete_elem(&left, &tid);
  if (ns < min_ns) {
    return 0;
  }
  bpf_probe_read_kernel_str(key.comm, sizeof key.comm, BPF_CORE_READ(next, group_leader)->comm);
  const struct offcpu_value zero = {};
  struct offcpu_value* value = tpx_find(&offcpu, &key, &zero);
  if (value) {
    __sync_fetch_and_add(&value->ns, ns);
    __sync_fetch_and_add(&value->times, 1);
  }
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
