#include "usual.h"

/* As exporters with one program a metric do it. */
struct sched_switch_record {
  __u64 common;
  char prev_comm[16];
  __s32 prev_pid;
  __s32 prev_prio;
  __s64 prev_state;
};

COUNTERS(switches, struct pid_comm, 10240);
COUNTERS(preempted, struct pid_comm, 10240);
COUNTERS(waited, struct pid_comm, 10240);
COUNTERS(priorities, struct pid_comm, 10240);

SEC("tracepoint/sched/sched_switch")
int count_switch(void* record) {
  const struct pid_comm key = current_pid_comm();
  add(&switches, &key, 1);
  return 0;
}

SEC("tracepoint/sched/sched_switch")
int count_preempted(struct sched_switch_record* record) {
  if ((record->prev_state & 0xff) != 0) {
    return 0;
  }
  const struct pid_comm key = current_pid_comm();
  add(&preempted, &key, 1);
  return 0;
}

SEC("tracepoint/sched/sched_switch")
int count_waited(struct sched_switch_record* record) {
  if (record->prev_prio >= 140) {
    return 0;
  }
  const struct pid_comm key = current_pid_comm();
  add(&waited, &key, 1);
  return 0;
}

SEC("tracepoint/sched/sched_switch")
int add_priority(struct sched_switch_record* record) {
  const struct pid_comm key = current_pid_comm();
  add(&priorities, &key, record->prev_prio);
  return 0;
}
