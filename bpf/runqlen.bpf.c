/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How many threads wait for their CPU while another one runs, looked at some times a second. */
#include "tpx.bpf.h"

#define SLOTS 9 /* at most 0, 1, 2, 4 … 64 waiting, and more */

const volatile __u32 sample_hertz = 49;

struct run_queue {
  __u64 slots[SLOTS];
  __u64 sum;
};

TPX_MAP(lengths, PERCPU_ARRAY, __u32, struct run_queue, 1);

/* `rq` and `sched_entity` differ by kernel; this is what all have. */
struct cfs_rq___new {
  unsigned int nr_queued;
} __attribute__((preserve_access_index));
struct cfs_rq___old {
  unsigned int nr_running;
} __attribute__((preserve_access_index));

SEC("perf_event")
int sample_run_queue(void* context) {
  const __u32 only = 0;
  struct task_struct* task = (void*)bpf_get_current_task();
  void* queue = BPF_CORE_READ(task, se.cfs_rq);
  struct cfs_rq___new* newer = queue;
  struct cfs_rq___old* older = queue;
  struct run_queue* lengths_here = bpf_map_lookup_elem(&lengths, &only);
  __u32 length =
      bpf_core_field_exists(newer->nr_queued) ? BPF_CORE_READ(newer, nr_queued) : BPF_CORE_READ(older, nr_running);
  if (!lengths_here) {
    return 0;
  }
  /* The thread that runs is counted, except by the idle one, which is in no queue. */
  if (length > 0 && BPF_CORE_READ(task, pid) != 0) {
    length--;
  }
  const __u32 slot = length == 0 ? 0 : 1 + tpx_bucket(length, 1, SLOTS - 2);
  if (slot < SLOTS) {
    lengths_here->slots[slot]++;
    lengths_here->sum += length;
  }
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
