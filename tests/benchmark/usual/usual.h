/* What exporters written by hand have in common: hash maps, atomic adds, helpers. No types of the kernel's are needed. */
#pragma once

#include <linux/bpf.h>
/* */
#include <bpf/bpf_helpers.h>

struct pid_comm {
  __u32 pid;
  char comm[16];
};

/* The record of syscalls/sys_enter_*, as its format file says. */
struct sys_enter_record {
  __u64 common;
  __s32 number;
  __u32 padding;
  __u64 arguments[6];
};
struct raw_syscall_record {
  __u64 common;
  __s64 id;
};

/* A hash of 64-bit counters. */
#define COUNTERS(NAME, KEY, ENTRIES) \
  struct {                           \
    __uint(type, BPF_MAP_TYPE_HASH); \
    __uint(max_entries, ENTRIES);    \
    __type(key, KEY);                \
    __type(value, __u64);            \
  } NAME SEC(".maps")

static __always_inline void add(void* map, const void* key, __u64 by) {
  const __u64 zero = 0;
  __u64* value = bpf_map_lookup_elem(map, key);
  if (!value) {
    bpf_map_update_elem(map, key, &zero, BPF_NOEXIST);
    value = bpf_map_lookup_elem(map, key);
    if (!value) {
      return;
    }
  }
  __sync_fetch_and_add(value, by);
}

static __always_inline struct pid_comm current_pid_comm(void) {
  struct pid_comm key = {.pid = bpf_get_current_pid_tgid() >> 32};
  bpf_get_current_comm(key.comm, sizeof key.comm);
  return key;
}

static __always_inline __u32 log2_of(__u64 value) {
  __u32 slot = 0;
  for (int shift = 32; shift > 0; shift /= 2) {
    if (value >> shift) {
      value >>= shift;
      slot += shift;
    }
  }
  return slot;
}

char LICENSE[] SEC("license") = "GPL";
