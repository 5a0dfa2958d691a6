/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the programs here share. A program is a map whose key and value are structs, and functions that update it; the
 * exporter reads the rest from the object's BTF. docs/programs.md starts from an empty file.
 */
#pragma once

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* What could not be kept because a map was full: shown as …_events_lost_total{reason="program"}. */
__u64 lost_events = 0;

/* A hash from KEY to VALUE; HASH_TYPE without BPF_MAP_TYPE_. */
#define TPX_MAP(NAME, HASH_TYPE, KEY, VALUE, ENTRIES) \
  struct {                                            \
    __uint(type, BPF_MAP_TYPE_##HASH_TYPE);           \
    __uint(max_entries, ENTRIES);                     \
    __type(key, KEY);                                 \
    __type(value, VALUE);                             \
  } NAME SEC(".maps")

/* The value of `key`, made of `zero` where there is none; NULL when the map is full, which is counted. */
static __always_inline void* tpx_find(void* map, const void* key, const void* zero) {
  void* value = bpf_map_lookup_elem(map, key);
  if (value) {
    return value;
  }
  bpf_map_update_elem(map, key, zero, BPF_NOEXIST); /* may lose to another CPU, which is as well */
  value = bpf_map_lookup_elem(map, key);
  if (!value) {
    __sync_fetch_and_add(&lost_events, 1);
  }
  return value;
}

/* Adds to a value that is one __u64. */
static __always_inline void tpx_add(void* map, const void* key, __u64 more) {
  const __u64 zero = 0;
  __u64* value = tpx_find(map, key, &zero);
  if (value) {
    __sync_fetch_and_add(value, more);
  }
}

/* The smallest i with value <= start << i, at most `last`: bucket i of `exponential: {start, factor: 2, count: last}`. */
static __always_inline __u32 tpx_bucket(__u64 value, __u64 start, __u32 last) {
  __u32 bucket = 0;
#pragma unroll
  for (int i = 0; i < 32; i++) {
    if (bucket < last && value > start << bucket) {
      bucket++;
    }
  }
  return bucket;
}
