/* Calls getpriority once for each process from FIRST on, COUNT of them: an argument that is another each time. */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT FIRST");
  const long first = number_argument(argc, argv, 2, "COUNT FIRST");
  wait_for_go();
  for (long i = 0; i < count; i++) {
    syscall(SYS_getpriority, PRIO_PROCESS, first + i);
  }
  report(count, 0);
  return 0;
}
