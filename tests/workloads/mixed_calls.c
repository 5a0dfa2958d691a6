/*
 * A little of everything, ROUNDS times, by one thread: files opened, read, written, sought, mapped; names that are not there;
 * descriptors that are none; sleeps and yields; a signal; a child; datagrams to itself; with DEVICE, reads that go past the
 * page cache. SEED chooses the order and the arguments.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

enum { BLOCK = 4096, BLOCKS = 4 };

static uint64_t state;
static char names[4][40] = {"/dev/null", "/dev/zero", "/tpx/not/there", "/etc/passwd/no_directory"};
static char* aligned;
static int device = -1;

/* Constants of Knuth's MMIX generator. */
static unsigned pick(unsigned bound) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return (unsigned)(state >> 33) % bound;
}

static void ignore(int number) {
  (void)number;
}

static void use_file(void) {
  static const int flags[] = {O_RDWR, O_RDWR | O_CLOEXEC, O_RDONLY | O_NONBLOCK, O_RDWR | O_APPEND};
  const int fd = openat(AT_FDCWD, names[pick(4)], flags[pick(4)], 0600 + pick(64));
  static char buffer[512];
  (void)!read(fd, buffer, pick(512));
  (void)!write(fd, buffer, pick(512));
  lseek(fd, (off_t)pick(100) - 50, (int)pick(3));
  fcntl(fd, F_GETFL);
  close(fd);
}

static void ask(void) {
  syscall(SYS_getpriority, PRIO_PROCESS + pick(4), (int)pick(9) - 4);
  syscall(SYS_getppid, pick(5), pick(1000));
  faccessat(AT_FDCWD, names[pick(4)], (int)pick(8), 0);
}

static void rest(void) {
  const struct timespec moment = {.tv_sec = 0, .tv_nsec = 1000 * (1 + pick(50))};
  if (pick(2) == 0) {
    nanosleep(&moment, NULL);
  } else {
    sched_yield();
  }
}

static void map(void) {
  const size_t size = (size_t)BLOCK * (1 + pick(BLOCKS));
  void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) {
    munmap(memory, size);
  }
}

static void send_datagrams(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in nobody = {
      .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (unsigned i = 1 + pick(4); i > 0; i--) {
    sendto(fd, names, 1 + pick(100), 0, (const struct sockaddr*)&nobody, sizeof nobody);
  }
  close(fd);
}

static void have_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    _exit((int)pick(3));
  }
  waitpid(child, NULL, 0);
}

static void read_device(void) {
  if (device >= 0) {
    (void)!pread(device, aligned, (size_t)BLOCK * (1 + pick(BLOCKS)), (off_t)BLOCK * pick(1000));
  }
}

int main(int argc, char** argv) {
  const char* usage = "ROUNDS SEED [DEVICE]";
  const long rounds = number_argument(argc, argv, 1, usage);
  state = (uint64_t)number_argument(argc, argv, 2, usage);
  if (posix_memalign((void**)&aligned, BLOCK, (size_t)BLOCK * BLOCKS) != 0) {
    give_up("posix_memalign");
  }
  memset(aligned, 0, (size_t)BLOCK * BLOCKS);
  if (argc > 3) {
    device = open(argv[3], O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (device < 0) {
      give_up(argv[3]);
    }
  }
  signal(SIGUSR1, ignore);
  names[0][39] = '\0'; /* its page is in memory: what the calls point to can be read */
  wait_for_go();
  static void (*const steps[])(void) = {use_file, use_file, use_file,       ask,        ask, rest,
                                        rest,     map,      send_datagrams, read_device};
  for (long round = 0; round < rounds; round++) {
    steps[pick(sizeof steps / sizeof steps[0])]();
    if (round % 50 == 0) {
      raise(SIGUSR1);
      have_child();
    }
  }
  report(rounds, NULL);
  return 0;
}
