/* COUNT threads block in readv(2) at one eventfd. Meanwhile CALLERS threads call it CALLS times each and do not block. Then
 * the COUNT are let go. Reports "gate": the descriptor of the first. The callers' ids are those of the blocked
 * ones plus 65536, where this process may choose (CAP_CHECKPOINT_RESTORE, kernel.pid_max). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "workload.h"

static int gate;
static atomic_long arrived;
static long calls;

static void take(int fd) {
  uint64_t value;
  const struct iovec room = {&value, sizeof value};
  if (readv(fd, &room, 1) != sizeof value) {
    give_up("readv");
  }
}

static void* block(void* unused) {
  atomic_fetch_add(&arrived, 1);
  take(gate);
  return unused;
}

static void* call_often(void* unused) {
  const int fd = eventfd(0, 0);
  for (long i = 0; i < calls; i++) {
    const uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one) {
      give_up("write");
    }
    take(fd);
  }
  close(fd);
  return unused;
}

/* Threads on small stacks in one mapping: the kernel limits the number of mappings. */
static pthread_t* run(long count, void* (*function)(void*)) {
  const size_t size = ((size_t)sysconf(_SC_THREAD_STACK_MIN) + 16384 + 4095) & ~(size_t)4095;
  char* stacks = mmap(NULL, size * (size_t)count, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  pthread_t* threads = calloc((size_t)count, sizeof *threads);
  if (stacks == MAP_FAILED || threads == NULL) {
    give_up("no memory for the stacks");
  }
  madvise(stacks, size * (size_t)count, MADV_NOHUGEPAGE);
  for (long i = 0; i < count; i++) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks + (size_t)i * size, size);
    errno = pthread_create(&threads[i], &attributes, function, NULL);
    if (errno != 0) {
      give_up("pthread_create");
    }
    pthread_attr_destroy(&attributes);
  }
  return threads;
}

static void join(const pthread_t* threads, long count) {
  for (long i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
  }
}

/* The next thread's id is to be `id`, as far as this process may say so. */
static void choose_next_id(long id) {
  const int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  if (file >= 0) {
    dprintf(file, "%ld", id - 1);
    close(file);
  }
}

int main(int argc, char** argv) {
  const char* usage = "COUNT CALLERS CALLS";
  const long count = number_argument(argc, argv, 1, usage);
  const long callers = number_argument(argc, argv, 2, usage);
  calls = number_argument(argc, argv, 3, usage);
  gate = eventfd(0, EFD_SEMAPHORE);
  wait_for_go();
  choose_next_id(10000);
  pthread_t* blocked = run(count, block);
  while (atomic_load(&arrived) < count) {
    sched_yield();
  }
  choose_next_id(10000 + 65536);
  pthread_t* short_calls = run(callers, call_often);
  join(short_calls, callers);
  const uint64_t all = (uint64_t)count;
  if (write(gate, &all, sizeof all) != sizeof all) {
    give_up("write");
  }
  join(blocked, count);
  char more[96];
  snprintf(more, sizeof more, "\"blocked\": %ld, \"gate\": %d", count, gate);
  report(count + callers * calls, more);
  return 0;
}
