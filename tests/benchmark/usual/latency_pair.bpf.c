#include "usual.h"

struct start {
  __u64 time;
  __u64 number;
};
struct number_slot {
  __u64 number;
  __u64 slot;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct start);
} starts SEC(".maps");
COUNTERS(durations, struct number_slot, 10240);
COUNTERS(sums, __u64, 1024);

SEC("tracepoint/raw_syscalls/sys_enter")
int enter(struct raw_syscall_record* record) {
  const __u32 tid = bpf_get_current_pid_tgid();
  const struct start start = {.time = bpf_ktime_get_ns(), .number = record->id};
  bpf_map_update_elem(&starts, &tid, &start, BPF_ANY);
  return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int leave(void* record) {
  const __u32 tid = bpf_get_current_pid_tgid();
  const struct start* start = bpf_map_lookup_elem(&starts, &tid);
  if (!start) {
    return 0;
  }
  const __u64 took = bpf_ktime_get_ns() - start->time;
  const struct number_slot key = {.number = start->number, .slot = log2_of(took)};
  add(&durations, &key, 1);
  add(&sums, &key.number, took);
  bpf_map_delete_elem(&starts, &tid);
  return 0;
}
