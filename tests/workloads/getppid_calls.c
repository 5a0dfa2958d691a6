/* Calls getppid COUNT times: a system call that does nothing. */
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT");
  wait_for_go();
  for (long i = 0; i < count; i++) {
    syscall(SYS_getppid);
  }
  report(count, 0);
  return 0;
}
