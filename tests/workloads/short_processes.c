/*
 * Forks COUNT children, one after the other, and waits for each. A child calls getppid CALLS times, then getpriority once,
 * for process 1 + i % 1000 where i is the child's number from 0, and statfs once, and exits.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static _Noreturn void live(long calls, long number) {
  for (long i = 0; i < calls; i++) {
    syscall(SYS_getppid);
  }
  struct statfs unused;
  syscall(SYS_getpriority, PRIO_PROCESS, 1 + number % 1000);
  syscall(SYS_statfs, "/", &unused);
  _exit(0);
}

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT CALLS");
  const long calls = number_argument(argc, argv, 2, "COUNT CALLS");
  wait_for_go();
  for (long i = 0; i < count; i++) {
    const pid_t child = fork();
    if (child < 0) {
      give_up("fork");
    }
    if (child == 0) {
      live(calls, i);
    }
    if (waitpid(child, NULL, 0) != child) {
      give_up("waitpid");
    }
  }
  report(count, 0);
  return 0;
}
