/* Runs COUNT threads, one after the other, each of which calls getppid once. */
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

static void* call_once(void* unused) {
  syscall(SYS_getppid);
  return unused;
}

int main(int argc, char** argv) {
  const long count = number_argument(argc, argv, 1, "COUNT");
  wait_for_go();
  for (long i = 0; i < count; i++) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, call_once, NULL);
    if (errno != 0) {
      give_up("pthread_create");
    }
    pthread_join(thread, NULL);
  }
  report(count, 0);
  return 0;
}
