/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Block I/O by device and operation, each request followed by its address from issue to completion. Linux 5.11 and later:
 * before, the tracepoint passes the queue first.
 */
#include "tpx.bpf.h"

#define SLOTS 21 /* 20 bounds, 1 above: 1 µs … 0.5 s, 512 B … 256 MiB */

/* enum req_op, without the flags above its 8 bits (include/linux/blk_types.h). */
enum block_operation { READ = 0, WRITE = 1, FLUSH = 2, DISCARD = 3, SECURE_ERASE = 5, WRITE_ZEROES = 9 };

struct block_issue {
  __u64 time;
  __u32 bytes;
};

struct block_key {
  __u32 dev;
  enum block_operation operation;
};

struct block_histogram {
  __u64 slots[SLOTS];
  __u64 sum;
};

TPX_MAP(issued, HASH, __u64, struct block_issue, 65536);
TPX_MAP(latency, HASH, struct block_key, struct block_histogram, 1024);
TPX_MAP(size, HASH, struct block_key, struct block_histogram, 1024);

/* A request has no disk of its own since Linux 5.17. */
struct request___old {
  struct gendisk* rq_disk;
} __attribute__((preserve_access_index));

static __always_inline struct gendisk* disk_of(struct request* request) {
  struct request___old* old = (void*)request;
  if (bpf_core_field_exists(old->rq_disk)) {
    return BPF_CORE_READ(old, rq_disk);
  }
  return BPF_CORE_READ(request, q, disk);
}

static __always_inline void observe(void* map, const struct block_key* key, __u64 value, __u64 start) {
  static const struct block_histogram zero;
  struct block_histogram* histogram = tpx_find(map, key, &zero);
  const __u32 slot = tpx_bucket(value, start, SLOTS - 1);
  if (histogram && slot < SLOTS) {
    __sync_fetch_and_add(&histogram->slots[slot], 1);
    __sync_fetch_and_add(&histogram->sum, value);
  }
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_issue, struct request* request) {
  const __u64 id = (__u64)request;
  const struct block_issue issue = {.time = bpf_ktime_get_ns(), .bytes = BPF_CORE_READ(request, __data_len)};
  if (bpf_map_update_elem(&issued, &id, &issue, BPF_ANY)) {
    __sync_fetch_and_add(&lost_events, 1);
  }
  return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(block_complete, struct request* request, int error, unsigned int bytes) {
  const __u64 id = (__u64)request;
  struct block_issue* issue = bpf_map_lookup_elem(&issued, &id);
  if (!issue) {
    return 0;
  }
  if (bytes < BPF_CORE_READ(request, __data_len)) {
    return 0; /* a part of it: the rest follows */
  }
  struct gendisk* disk = disk_of(request);
  struct block_key key = {
      .dev = (__u32)BPF_CORE_READ(disk, major) << 20 | (__u32)BPF_CORE_READ(disk, first_minor),
      .operation = (__u32)BPF_CORE_READ(request, cmd_flags) & 0xff,
  };
  observe(&latency, &key, bpf_ktime_get_ns() - issue->time, 1000);
  observe(&size, &key, issue->bytes, 512);
  bpf_map_delete_elem(&issued, &id);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
