#include "usual.h"

COUNTERS(calls, __u64, 1024);

SEC("tracepoint/raw_syscalls/sys_enter")
int count_call(struct raw_syscall_record* record) {
  const __u64 key = record->id;
  add(&calls, &key, 1);
  return 0;
}
