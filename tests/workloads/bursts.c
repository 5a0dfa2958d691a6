/*
 * A daemon: for every byte on stdin a burst of COUNT calls of getppid, of getpriority for the processes 1 to COUNT, and of
 * statfs, then a line of JSON; at the end of stdin one more burst, then it exits. With PID it is the process of that number,
 * which must not be in use: a child, whose parent only waits for it.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static void burst(long count) {
  struct statfs unused;
  for (long i = 1; i <= count; i++) {
    syscall(SYS_getppid);
    syscall(SYS_getpriority, PRIO_PROCESS, i);
    syscall(SYS_statfs, "/", &unused);
  }
}

/* Goes on as the process `wanted`; the caller waits for it and exits as it does. */
static void become(pid_t wanted) {
  struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
  int status = 1;
  const pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child < 0) {
    give_up("clone3");
  }
  if (child == 0) {
    return;
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT [PID]");
  if (argc > 2) {
    become((pid_t)number_argument(argc, argv, 2, "COUNT [PID]"));
  }
  wait_for_go();
  do {
    burst(count);
    printf("{\"pid\": %ld, \"count\": %ld}\n", (long)getpid(), count);
    fflush(stdout);
  } while (read_byte() == 1);
  burst(count);
  return 0;
}
