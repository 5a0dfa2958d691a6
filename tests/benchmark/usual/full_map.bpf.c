#include "usual.h"

COUNTERS(calls, __u64, 1000);

SEC("tracepoint/syscalls/sys_enter_close")
int count_call(struct sys_enter_record* record) {
  const __u64 key = record->arguments[0];
  add(&calls, &key, 1);
  return 0;
}
