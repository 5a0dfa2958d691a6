/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Time that processes spent reclaiming and compacting memory themselves, where the kernel's threads were late. */
#include "tpx.bpf.h"

enum stall_kind { RECLAIM, COMPACTION };

struct stall_start {
  __u32 tid;
  enum stall_kind kind;
};
struct stall_key {
  __u32 pid;
  char comm[16];
  enum stall_kind kind;
};
struct stall {
  __u64 ns;
  __u64 times;
};

TPX_MAP(started, HASH, struct stall_start, __u64, 16384);
TPX_MAP(stalls, HASH, struct stall_key, struct stall, 4096);

static __always_inline int start(enum stall_kind kind) {
  const __u64 now = bpf_ktime_get_ns();
  const struct stall_start key = {.tid = (__u32)bpf_get_current_pid_tgid(), .kind = kind};
  if (bpf_map_update_elem(&started, &key, &now, BPF_ANY)) {
    __sync_fetch_and_add(&lost_events, 1);
  }
  return 0;
}

static __always_inline int end(enum stall_kind kind) {
  const struct stall_start started_key = {.tid = (__u32)bpf_get_current_pid_tgid(), .kind = kind};
  const struct stall zero = {};
  __u64* begun = bpf_map_lookup_elem(&started, &started_key);
  if (!begun) {
    return 0;
  }
  const __u64 ns = bpf_ktime_get_ns() - *begun;
  struct stall_key key = {.pid = bpf_get_current_pid_tgid() >> 32, .kind = kind};
  bpf_map_delete_elem(&started, &started_key);
  bpf_get_current_comm(key.comm, sizeof key.comm);
  struct stall* stall = tpx_find(&stalls, &key, &zero);
  if (stall) {
    __sync_fetch_and_add(&stall->ns, ns);
    __sync_fetch_and_add(&stall->times, 1);
  }
  return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int reclaim_begin(void* context) {
  return start(RECLAIM);
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int reclaim_end(void* context) {
  return end(RECLAIM);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int memcg_reclaim_begin(void* context) {
  return start(RECLAIM);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int memcg_reclaim_end(void* context) {
  return end(RECLAIM);
}

SEC("tp_btf/mm_compaction_begin")
int compaction_begin(void* context) {
  return start(COMPACTION);
}

SEC("tp_btf/mm_compaction_end")
int compaction_end(void* context) {
  return end(COMPACTION);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
