/* Reads COUNT times SIZE bytes (a multiple of 4096) from DEVICE past the page cache, one request after the other. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "workload.h"

int main(int argc, char** argv) {
  const char* usage = "COUNT SIZE DEVICE";
  const long count = number_argument(argc, argv, 1, usage);
  const long size = number_argument(argc, argv, 2, usage);
  void* buffer = NULL;
  char more[48];
  if (argc != 4 || size % 4096 != 0) {
    fprintf(stderr, "usage: %s %s\n", argv[0], usage);
    return 2;
  }
  const int fd = open(argv[3], O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (fd < 0) {
    give_up(argv[3]);
  }
  if (posix_memalign(&buffer, 4096, (size_t)size) != 0) {
    give_up("posix_memalign");
  }
  const off_t end = lseek(fd, 0, SEEK_END);
  wait_for_go();
  for (long i = 0; i < count; i++) {
    if (pread(fd, buffer, (size_t)size, (i * size) % (end - end % size)) != size) {
      give_up("pread");
    }
  }
  snprintf(more, sizeof more, "\"bytes\": %ld", count * size);
  report(count, more);
  free(buffer);
  close(fd);
  return 0;
}
