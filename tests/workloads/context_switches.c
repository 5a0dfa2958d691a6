/*
 * Pinned to one CPU, gives it up COUNT times by short sleeps, each followed by a yield. What it reports are its switches
 * as the kernel counts them in /proc/self/status; a test that wants every switch compares the file from outside.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

static void pin(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    give_up("sched_getaffinity");
  }
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &allowed)) {
      CPU_ZERO(&allowed);
      CPU_SET(cpu, &allowed);
      break;
    }
  }
  if (sched_setaffinity(0, sizeof allowed, &allowed) != 0) {
    give_up("sched_setaffinity");
  }
}

static void switches(long* voluntary, long* nonvoluntary) {
  char line[256];
  FILE* status = fopen("/proc/self/status", "re");
  if (status == NULL) {
    give_up("/proc/self/status");
  }
  while (fgets(line, sizeof line, status) != NULL) {
    sscanf(line, "voluntary_ctxt_switches: %ld", voluntary);
    sscanf(line, "nonvoluntary_ctxt_switches: %ld", nonvoluntary);
  }
  fclose(status);
}

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT");
  const struct timespec moment = {.tv_sec = 0, .tv_nsec = 1000};
  long voluntary = 0;
  long nonvoluntary = 0;
  char more[96];
  pin();
  wait_for_go();
  for (long i = 0; i < count; i++) {
    nanosleep(&moment, NULL);
    sched_yield();
  }
  switches(&voluntary, &nonvoluntary);
  snprintf(more, sizeof more, "\"voluntary\": %ld, \"nonvoluntary\": %ld", voluntary, nonvoluntary);
  report(count, more);
  return 0;
}
