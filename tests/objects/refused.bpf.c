/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One program that every kernel takes, one that the verifier refuses, one for a tracepoint that is nowhere. */
#include "tpx.bpf.h"

TPX_MAP(good, ARRAY, __u32, __u64, 1);
TPX_MAP(bad, HASH, __u32, __u64, 1);

SEC("tp/syscalls/sys_enter_getppid")
int takes(void* context) {
  const __u32 first = 0;
  tpx_add(&good, &first, 1);
  return 1;
}

SEC("tp/syscalls/sys_enter_getppid")
int out_of_bounds(void* context) {
  const __u32 first = 0;
  __u64* value = bpf_map_lookup_elem(&bad, &first);
  *value += 1; /* without asking whether it is there */
  return 1;
}

SEC("tp/syscalls/sys_enter_no_such_call")
int nowhere(void* context) {
  const __u32 first = 0;
  tpx_add(&bad, &first, 1);
  return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
