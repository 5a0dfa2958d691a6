/*
 * Starts COUNT children, one after the other, and waits for each. A child calls getppid CALLS times, with 0, 1 … as an
 * argument that the kernel ignores, then getpriority once, for process 1 + i % 1000 where i is the child's number from 0, and statfs once, and exits. As with vfork, a child is a
 * process of its own with its parent's memory: thousands take a second.
 */
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

struct life {
  long calls;
  long number;
};

static int live(void* argument) {
  const struct life* life = argument;
  struct statfs unused;
  for (long i = 0; i < life->calls; i++) {
    syscall(SYS_getppid, i);
  }
  syscall(SYS_getpriority, PRIO_PROCESS, 1 + life->number % 1000);
  syscall(SYS_statfs, "/", &unused);
  _exit(0);
}

int main(int argc, char** argv) {
  static char stack[65536] __attribute__((aligned(16)));
  const long count = number_argument(argc, argv, 1, "COUNT CALLS");
  struct life life = {.calls = number_argument(argc, argv, 2, "COUNT CALLS")};
  wait_for_go();
  for (; life.number < count; life.number++) {
    const pid_t child = clone(live, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &life);
    if (child < 0) {
      give_up("clone");
    }
    if (waitpid(child, NULL, 0) != child) {
      give_up("waitpid");
    }
  }
  report(count, 0);
  return 0;
}
