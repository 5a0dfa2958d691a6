/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps of every shape that the exporter reads, or refuses; getppid(2) writes them. */
#include "tpx.bpf.h"

const volatile __u32 step = 1;
const volatile __s8 small = -1;
const volatile bool enabled = true;
const volatile char title[8] = "abc";

enum color { RED, GREEN = 5 };
const volatile enum color paint = RED;

struct peer {
  struct in_addr address;
  __u16 port;
};
struct rich_key {
  __u32 pid;
  __s16 error;
  enum color color;
  char comm[16];
  struct peer peer;
  __u8 address6[16];
  __u8 pad[2];
};
struct two {
  __u64 count;
  __s64 bytes;
};
struct histogram {
  __u32 slots[4];
  __u64 sum;
};
struct no_sum {
  __u64 slots[4];
};
struct bucket_key {
  __u32 device;
  __u32 bucket;
};

TPX_MAP(plain, HASH, __u32, __u64, 64);
TPX_MAP(rich, HASH, struct rich_key, struct two, 64);
TPX_MAP(histograms, HASH, __u32, struct histogram, 64);
TPX_MAP(sumless, HASH, __u32, struct no_sum, 64);
TPX_MAP(bucketed, HASH, struct bucket_key, __u64, 64);
TPX_MAP(cpus, PERCPU_ARRAY, __u32, __u64, 1);
TPX_MAP(lru, LRU_PERCPU_HASH, __u32, struct two, 64);
TPX_MAP(elements, ARRAY, __u32, __u64, 8);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __uint(value_size, 8);
} opaque SEC(".maps");

static __always_inline void observe(__u64 value) {
  const __u32 device = 8;
  const struct histogram zero = {};
  struct histogram* histogram = tpx_find(&histograms, &device, &zero);
  const __u32 bucket = tpx_bucket(value, 1, 3);
  if (histogram && bucket < 4) {
    __sync_fetch_and_add(&histogram->slots[bucket], 1);
    __sync_fetch_and_add(&histogram->sum, value);
  }
  struct bucket_key key = {.device = device, .bucket = bucket};
  tpx_add(&bucketed, &key, 1);
  key.bucket = 4; /* the sum, of three bounds */
  tpx_add(&bucketed, &key, value);
}

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void* context) {
  const __u32 pid = bpf_get_current_pid_tgid() >> 32;
  const __u32 first = 0, third = 3;
  tpx_add(&plain, &pid, step);
  tpx_add(&cpus, &first, 1);
  tpx_add(&elements, &third, 1);
  struct rich_key key = {.pid = pid, .error = -2, .color = GREEN, .peer = {.address = {0x0100007f}, .port = 80}};
  __builtin_memcpy(key.comm, "name", 5);
  key.address6[15] = 1;
  const struct two zero = {};
  struct two* two = tpx_find(&rich, &key, &zero);
  if (two) {
    __sync_fetch_and_add(&two->count, 1);
    __sync_fetch_and_add(&two->bytes, -3);
  }
  two = tpx_find(&lru, &pid, &zero);
  if (two) {
    two->count++;
  }
  observe(1);
  observe(3);
  observe(100);
  return enabled && small && title[0] && paint < 9 ? 1 : 2; /* 0 would keep the event from perf */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
