/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* CPU time by cgroup (of cgroup v2), from one context switch to the next. */
#include "tpx.bpf.h"

TPX_MAP(since, PERCPU_ARRAY, __u32, __u64, 1);
TPX_MAP(cgroups, PERCPU_HASH, __u64, __u64, 16384);

SEC("tp_btf/sched_switch")
int BPF_PROG(cgroup_switch, bool preempt, struct task_struct* prev, struct task_struct* next) {
  const __u32 only = 0;
  const __u64 now = bpf_ktime_get_ns();
  __u64* begun = bpf_map_lookup_elem(&since, &only);
  if (!begun) {
    return 0;
  }
  const __u64 ns = now - *begun;
  const bool first = *begun == 0;
  *begun = now;
  if (first || BPF_CORE_READ(prev, pid) == 0) {
    return 0;
  }
  const __u64 id = BPF_CORE_READ(prev, cgroups, dfl_cgrp, kn, id);
  tpx_add(&cgroups, &id, ns);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
