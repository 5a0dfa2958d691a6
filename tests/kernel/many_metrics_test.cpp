// Metrics beyond what one program may hold: 64 maps, jumps of 32,767 instructions.
#include <sys/syscall.h>
#include <unistd.h>

#include <set>
#include <string>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

std::string name_of(int number) {
  return "calls_" + std::to_string(number) + "_total";
}

std::string own(const std::string& more) {
  return "tid == " + std::to_string(gettid()) + (more.empty() ? "" : " && " + more);
}

TEST_CASE("200 metrics on one tracepoint count each of their events once", "[kernel]") {
  constexpr int kMetrics = 200;
  for (const plan::AttachType type : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    INFO(plan::name(type));
    std::string yaml = "metrics:\n";
    for (int i = 0; i < kMetrics; ++i) {
      yaml += "  - name: " + name_of(i) +
              "\n    tracepoint: syscalls/sys_enter_lseek\n    filter: " + own("args.offset >= " + std::to_string(i)) +
              (i % 2 == 0 ? "\n    labels: {whence: args.whence}\n    max_series: 16\n" : "\n");
    }
    Session session(yaml, {type, std::nullopt});
    for (int i = 0; i < kMetrics; ++i) {
      ::syscall(SYS_lseek, -1, i, 7);
    }
    for (int i = 0; i < kMetrics; ++i) {
      INFO(name_of(i));
      const auto value = i % 2 == 0 ? session.value(name_of(i), {{"whence", "7"}}) : session.value(name_of(i));
      CHECK(value == static_cast<std::uint64_t>(kMetrics - i));
    }
  }
}

TEST_CASE("metrics whose code is too long for one jump are split as well", "[kernel]") {
  constexpr int kMetrics = 120;
  std::string yaml = "metrics:\n";
  for (int i = 0; i < kMetrics; ++i) {
    yaml += "  - name: " + name_of(i) + "\n    tracepoint: syscalls/sys_enter_lseek\n    filter: " + own("") +
            "\n    labels: {fd: args.fd, offset: args.offset, whence: args.whence, comm: comm, pid: pid, n" +
            std::to_string(i) + ": 'args.offset + " + std::to_string(i) + "'}\n    max_series: 16\n";
  }
  Session session(yaml);
  for (int i = 0; i < 11; ++i) {
    ::syscall(SYS_lseek, -1, 3, 7);
  }
  for (int i = 0; i < kMetrics; ++i) {
    INFO(name_of(i));
    CHECK(session.sum(name_of(i)) == 11);
  }
}

TEST_CASE("pairs beyond the maps of one program keep their starts and ends together", "[kernel]") {
  constexpr int kMetrics = 40;
  std::string yaml = "metrics:\n";
  for (int i = 0; i < kMetrics; ++i) {
    yaml += "  - name: seek_" + std::to_string(i) +
            "_seconds\n    type: histogram\n    from: {tracepoint: syscalls/sys_enter_lseek, key: tid, filter: '" +
            own("") + "'}\n    to: {tracepoint: syscalls/sys_exit_lseek, key: tid, filter: '" + own("") +
            "'}\n    buckets: {exponential: {start: 1, factor: 2, count: 2}}\n";
  }
  Session session(yaml);
  for (int i = 0; i < 5; ++i) {
    ::syscall(SYS_lseek, -1, 3, 7);
  }
  for (int i = 0; i < kMetrics; ++i) {
    INFO(i);
    CHECK(session.sum("seek_" + std::to_string(i) + "_seconds") == 5);
  }
}

}  // namespace
}  // namespace tpx::test
