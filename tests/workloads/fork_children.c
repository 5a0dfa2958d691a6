/* Forks COUNT children that exit at once, one after the other. Reports the process id of the last. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT");
  char more[48];
  pid_t last = 0;
  wait_for_go();
  for (long i = 0; i < count; i++) {
    last = fork();
    if (last < 0) {
      give_up("fork");
    }
    if (last == 0) {
      _exit(0);
    }
    if (waitpid(last, NULL, 0) != last) {
      give_up("waitpid");
    }
  }
  snprintf(more, sizeof more, "\"last\": %ld", (long)last);
  report(count, more);
  return 0;
}
