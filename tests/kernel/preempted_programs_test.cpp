// What is attached where tp_btf programs miss events of preempted tasks says the same as they do elsewhere.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

TEST_CASE("system calls are counted the same by raw_syscalls' records as by arguments", "[kernel]") {
  const std::string mine = "tid == " + std::to_string(gettid());
  const std::string yaml =
      "metrics:\n"
      "  - {name: opens_total, tracepoint: syscalls/sys_enter_openat, filter: '" +
      mine +
      "', labels: {dfd: args.dfd, file: str(args.filename), flags: args.flags, mode: args.mode}}\n"
      "  - {name: reads_total, tracepoint: [syscalls/sys_enter_read, syscalls/sys_enter_pread64], filter: '" +
      mine +
      "', labels: {fd: args.fd, probe: probe}}\n"
      "  - {name: results_total, tracepoint: syscalls/sys_exit_read, filter: '" +
      mine + "', labels: {ret: args.ret}}\n";
  std::vector<std::map<std::string, std::uint64_t>> seen;
  for (const bool preempted : {false, true}) {
    Session session(yaml, {std::nullopt, std::nullopt, preempted});
    REQUIRE(preempted == (session.planned("opens_total").attach == plan::AttachType::Classic));
    for (int i = 0; i < 7; ++i) {
      const int file = openat(AT_FDCWD, i % 2 == 0 ? "/proc/self/comm" : "/dev/null", O_RDONLY | O_CLOEXEC, 0640);
      char byte = 0;
      CHECK(read(file, &byte, 1) == (i % 2 == 0 ? 1 : 0));
      CHECK(read(-7, &byte, 1) == -1);
      CHECK(pread(file, &byte, 1, 0) >= 0);
      close(file);
    }
    for (const char* metric : {"opens_total", "reads_total", "results_total"}) {
      seen.push_back(session.table(metric));
      CHECK_FALSE(seen.back().empty());
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(seen[i] == seen[i + 3]);
  }
}

TEST_CASE("events of tasks that compete for a CPU are all counted", "[kernel]") {
  constexpr std::uint64_t kCalls = 50'000;
  const auto threads = static_cast<std::uint64_t>(4 * std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L));
  const std::string mine = "pid == " + std::to_string(getpid());
  Session session(
      "metrics:\n"
      "  - {name: calls_total, tracepoint: syscalls/sys_enter_getppid, filter: '" +
      mine +
      "'}\n"
      "  - {name: raw_total, tracepoint: raw_syscalls/sys_exit, filter: '" +
      mine + " && args.id == " + std::to_string(SYS_getppid) + "'}\n");
  std::vector<std::thread> all;
  for (std::uint64_t i = 0; i < threads; ++i) {
    all.emplace_back([] {
      for (std::uint64_t j = 0; j < kCalls; ++j) {
        call();
      }
    });
  }
  for (std::thread& thread : all) {
    thread.join();
  }
  CHECK(session.value("calls_total") == threads * kCalls);
  CHECK(session.value("raw_total") == threads * kCalls);
  CHECK(session.recursion_misses() == 0);
}

}  // namespace
}  // namespace tpx::test
