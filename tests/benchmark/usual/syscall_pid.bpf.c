#include "usual.h"

COUNTERS(calls, __u32, 10240);

SEC("tracepoint/syscalls/sys_enter_getppid")
int count_call(void* record) {
  const __u32 key = bpf_get_current_pid_tgid() >> 32;
  add(&calls, &key, 1);
  return 0;
}
