#include "usual.h"

COUNTERS(calls, struct pid_comm, 10240);

SEC("tracepoint/syscalls/sys_enter_getppid")
int count_call(void* record) {
  const struct pid_comm key = current_pid_comm();
  add(&calls, &key, 1);
  return 0;
}
