#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long number_argument(int argc, char** argv, int index, const char* usage) {
  char* end = NULL;
  long value = 0;
  if (index < argc) {
    value = strtol(argv[index], &end, 10);
  }
  if (end == NULL || *end != '\0' || value < 1) {
    fprintf(stderr, "usage: %s %s\n", argv[0], usage);
    exit(2);
  }
  return value;
}

ssize_t read_byte(void) {
  char byte;
  ssize_t got;
  do {
    got = read(STDIN_FILENO, &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got;
}

void wait_for_go(void) {
  puts("ready");
  fflush(stdout);
  if (read_byte() != 1) {
    fputs("error: stdin ended before the byte that says go\n", stderr);
    exit(1);
  }
}

void report(long count, const char* more) {
  printf("{\"pid\": %ld, \"count\": %ld%s%s}\n", (long)getpid(), count, more ? ", " : "", more ? more : "");
  fflush(stdout);
  while (read_byte() > 0) {
  }
}

_Noreturn void give_up(const char* what) {
  fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
  exit(1);
}
