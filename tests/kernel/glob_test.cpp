#include <chrono>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

TEST_CASE("one metric over all system calls tells them apart by probe", "[kernel]") {
  const std::string self = std::to_string(gettid());
  const auto before = std::chrono::steady_clock::now();
  std::map<std::string, std::uint64_t> counted;
  std::size_t programs = 0;
  std::size_t tracepoints = 0;
  {
    Session session(
        "metrics:\n  - name: calls_total\n    tracepoint: 'syscalls/sys_enter_*'\n    filter: tid == " + self +
        "\n    labels: {probe: probe}\n  - name: exits_total\n    tracepoint: [syscalls/sys_exit_close, "
        "syscalls/sys_exit_getpriority]\n    filter: tid == " +
        self + "\n    labels: {probe: probe, ret: args.ret}\n");
    for (int i = 0; i < 53; ++i) {
      syscall(SYS_getpriority, 99, 0);
    }
    for (int i = 0; i < 59; ++i) {
      call();
    }
    counted = session.table("calls_total");
    CHECK(session.value("exits_total", {{"probe", "syscalls/sys_exit_getpriority"}, {"ret", "-22"}}) == 53);
    programs = session.loaded().programs.size();
    tracepoints = session.planned("calls_total").tracepoints.size();
  }
  const auto taken = std::chrono::steady_clock::now() - before;
  CHECK(counted["syscalls/sys_enter_getpriority"] == 53);
  CHECK(counted["syscalls/sys_enter_getppid"] == 59);
  CHECK(programs == 2);
  CHECK(tracepoints > 300);
  WARN("attached to " << tracepoints << " tracepoints and detached in "
                      << std::chrono::duration_cast<std::chrono::milliseconds>(taken).count() << " ms");
}

TEST_CASE("a list of tracepoints with programs of their own", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session(
        "metrics:\n  - name: calls_total\n    tracepoint: [raw_syscalls/sys_enter, raw_syscalls/sys_exit]\n    "
        "filter: " +
            own_calls() + "\n    labels: {probe: probe}\n",
        way);
    for (int i = 0; i < 61; ++i) {
      call();
    }
    CHECK(session.table("calls_total") ==
          std::map<std::string, std::uint64_t>{{"raw_syscalls/sys_enter", 61}, {"raw_syscalls/sys_exit", 61}});
    CHECK(session.planned("calls_total").plan.store.atomic);
  }
}

}  // namespace
}  // namespace tpx::test
