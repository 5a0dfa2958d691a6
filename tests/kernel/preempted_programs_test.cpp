// What is attached where tp_btf programs miss events of preempted tasks says the same as they do elsewhere.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"
#include "skip.h"

namespace tpx::test {
namespace {

constexpr char kName[] = "tpx-preempted";
constexpr int kDescriptor = 500;

/// The calls of the test itself, under a name that nothing else has: neither attaching nor reading counts.
void open_and_read() {
  const std::string name = own_comm();
  prctl(PR_SET_NAME, kName);
  for (int i = 0; i < 7; ++i) {
    const int opened = openat(AT_FDCWD, i % 2 == 0 ? "/proc/self/comm" : "/dev/null", O_RDONLY | O_CLOEXEC, 0640);
    const int file = dup3(opened, kDescriptor, O_CLOEXEC);  // descriptors are a label
    char byte = 0;
    CHECK(read(file, &byte, 1) == (i % 2 == 0 ? 1 : 0));
    CHECK(read(-7, &byte, 1) == -1);
    CHECK(pread(file, &byte, 1, 0) >= 0);
    close(file);
    close(opened);
  }
  prctl(PR_SET_NAME, name.c_str());
}

TEST_CASE("system calls are counted the same by raw_syscalls' records as by arguments", "[kernel]") {
  if (!this_kernel().features.current_task_btf) {
    TPX_SKIP("before Linux 5.11 system calls have no program in common");
  }
  const auto metric = [](const std::string& name, const std::string& events, const std::string& labels) {
    return "  - {name: " + name + ", tracepoint: [" + events + "], filter: 'comm == \"" + kName + "\"', labels: {" +
           labels + "}}\n";
  };
  const std::string yaml =
      "metrics:\n" +
      metric("opens_total", "syscalls/sys_enter_openat",
             "dfd: args.dfd, file: str(args.filename), flags: args.flags, mode: args.mode") +
      metric("reads_total", "syscalls/sys_enter_read, syscalls/sys_enter_pread64", "fd: args.fd, probe: probe") +
      metric("results_total", "syscalls/sys_exit_read", "ret: args.ret");
  const auto count = [&](const Force& force, plan::AttachType type) {
    Session session(yaml, force);
    std::vector<std::map<std::string, std::uint64_t>> seen;
    open_and_read();
    for (const char* name : {"opens_total", "reads_total", "results_total"}) {
      CHECK(session.planned(name).attach == type);
      seen.push_back(session.table(name));
      CHECK_FALSE(seen.back().empty());
    }
    return seen;
  };
  CHECK(count({plan::AttachType::TpBtf}, plan::AttachType::TpBtf) ==
        count({std::nullopt, std::nullopt, true}, plan::AttachType::Classic));
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
