/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Calls a kfunc that no kernel has. */
#include "tpx.bpf.h"

TPX_MAP(calls, ARRAY, __u32, __u64, 1);

extern void tpx_no_such_kfunc(void) __ksym;

SEC("tp_btf/sched_switch")
int on_switch(void* context) {
  const __u32 first = 0;
  tpx_no_such_kfunc();
  tpx_add(&calls, &first, 1);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
