#include "usual.h"

struct pid_slot {
  __u32 pid;
  __u32 slot;
};
COUNTERS(sizes, struct pid_slot, 10240);
COUNTERS(sums, __u32, 10240);

SEC("tracepoint/syscalls/sys_enter_close")
int observe(struct sys_enter_record* record) {
  const struct pid_slot key = {.pid = bpf_get_current_pid_tgid() >> 32, .slot = log2_of(record->arguments[0])};
  add(&sizes, &key, 1);
  add(&sums, &key.pid, record->arguments[0]);
  return 0;
}
