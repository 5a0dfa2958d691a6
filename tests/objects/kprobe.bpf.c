/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A kprobe, which a kernel without CONFIG_KPROBE_EVENTS can't attach, and a section that names no place. */
#include "tpx.bpf.h"

TPX_MAP(reads, ARRAY, __u32, __u64, 1);
TPX_MAP(packets, ARRAY, __u32, __u64, 1);

SEC("kprobe/vfs_read")
int on_read(void* context) {
  const __u32 first = 0;
  tpx_add(&reads, &first, 1);
  return 0;
}

SEC("socket")
int on_packet(void* context) {
  const __u32 first = 0;
  tpx_add(&packets, &first, 1);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
