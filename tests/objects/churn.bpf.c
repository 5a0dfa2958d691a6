/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Counts the calls that the workload "bursts" makes, by process: a map of counters and one of histograms. */
#include "tpx.bpf.h"

struct sizes {
  __u64 slots[5];
  __u64 sum;
};

TPX_MAP(calls, HASH, __u32, __u64, 64);
TPX_MAP(sizes, HASH, __u32, struct sizes, 64);

static __always_inline bool is_workload(void) {
  char comm[16] = {};
  bpf_get_current_comm(comm, sizeof comm);
  return comm[0] == 'b' && comm[1] == 'u' && comm[2] == 'r' && comm[3] == 's' && comm[4] == 't' && comm[5] == 's' &&
         comm[6] == 0;
}

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void* context) {
  const __u32 pid = bpf_get_current_pid_tgid() >> 32;
  if (is_workload()) {
    tpx_add(&calls, &pid, 1);
  }
  return 0;
}

SEC("tp/syscalls/sys_enter_getpriority")
int on_getpriority(struct trace_event_raw_sys_enter* context) {
  const __u32 pid = bpf_get_current_pid_tgid() >> 32;
  const struct sizes zero = {};
  if (!is_workload()) {
    return 0;
  }
  struct sizes* histogram = tpx_find(&sizes, &pid, &zero);
  const __u32 bucket = tpx_bucket(context->args[1], 8, 4);
  if (histogram && bucket < 5) {
    __sync_fetch_and_add(&histogram->slots[bucket], 1);
    __sync_fetch_and_add(&histogram->sum, context->args[1]);
  }
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
