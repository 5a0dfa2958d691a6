#include "support/workload.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <barrier>
#include <ctime>
#include <thread>

namespace tpx::benchmark {

namespace {

constexpr int kFirstUnused = 1 << 20;

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The last CPU is the one that interrupts prefer least.
void go_ahead_of_others() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN) - 1), &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  sched_param parameters{};
  parameters.sched_priority = 1;
  // Refused in some containers: then the loop is merely noisier.
  static_cast<void>(pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters));
}

double switches(int events) {
  // A barrier that blocks: a loop that waits ahead of all others would keep its partner from starting.
  std::barrier ready(2);
  double first = 0;
  double second = 0;
  const auto loop = [&](double& took) {
    go_ahead_of_others();
    ready.arrive_and_wait();
    const double start = thread_ns();
    for (int i = 0; i < events / 2; ++i) {
      sched_yield();
    }
    took = thread_ns() - start;
  };
  std::thread one([&] { loop(first); });
  std::thread other([&] { loop(second); });
  one.join();
  other.join();
  return (first + second) / events;
}

double calls(Workload workload, int events) {
  double took = 0;
  static int fresh = kFirstUnused;
  std::thread([&] {
    go_ahead_of_others();
    const double start = thread_ns();
    for (int i = 0; i < events; ++i) {
      switch (workload) {
        case Workload::CloseSame:
          syscall(SYS_close, 0x1000 << (i & 7));
          break;
        case Workload::CloseTenThousand:
          syscall(SYS_close, kFirstUnused + static_cast<int>(static_cast<unsigned>(i) * 7919U % 10000U));
          break;
        case Workload::CloseNew:
          syscall(SYS_close, ++fresh);
          break;
        default:
          syscall(SYS_getppid);
          break;
      }
    }
    took = thread_ns() - start;
  }).join();
  return took / events;
}

}  // namespace

double run(Workload workload, int events) {
  return workload == Workload::Switches ? switches(events) : calls(workload, events);
}

}  // namespace tpx::benchmark
