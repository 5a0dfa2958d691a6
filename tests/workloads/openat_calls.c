/* Opens /dev/null COUNT times by the openat system call itself, whatever the C library would use. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT");
  wait_for_go();
  for (long i = 0; i < count; i++) {
    const long fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      give_up("openat /dev/null");
    }
    close((int)fd);
  }
  report(count, 0);
  return 0;
}
