#include "usual.h"

COUNTERS(switches, struct pid_comm, 10240);

SEC("tracepoint/sched/sched_switch")
int count_switch(void* record) {
  const struct pid_comm key = current_pid_comm();
  add(&switches, &key, 1);
  return 0;
}
