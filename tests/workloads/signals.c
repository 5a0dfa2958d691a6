/* Sends itself SIGUSR1 COUNT times and handles each before the next. Reports how many it handled. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "workload.h"

static volatile sig_atomic_t handled;

static void handle(int number) {
  (void)number;
  handled++;
}

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT");
  const struct sigaction action = {.sa_handler = handle};
  char more[48];
  if (sigaction(SIGUSR1, &action, NULL) != 0) {
    give_up("sigaction");
  }
  wait_for_go();
  for (long i = 0; i < count; i++) {
    if (kill(getpid(), SIGUSR1) != 0) {
      give_up("kill");
    }
  }
  snprintf(more, sizeof more, "\"handled\": %ld", (long)handled);
  report(count, more);
  return 0;
}
