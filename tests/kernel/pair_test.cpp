#include <linux/futex.h>
#include <sched.h>

#include <cerrno>
#include <ctime>
#include <numeric>
#include <thread>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"

namespace tpx::test {
namespace {

using schema::LostReason;

std::uint64_t count_of(const std::vector<std::uint64_t>& words) {
  return std::accumulate(words.begin(), words.end() - 2, std::uint64_t{0});
}

TEST_CASE("system calls' durations: as many as there were calls, with what the start knew", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    const std::string filter = "tid == " + std::to_string(gettid()) + " && args.id == " + std::to_string(SYS_getppid);
    Session session(R"(
metrics:
  - name: duration_seconds
    type: histogram
    from: {tracepoint: raw_syscalls/sys_enter, key: tid, filter: ')" +
                        filter + R"('}
    to: {tracepoint: raw_syscalls/sys_exit, key: tid, filter: ')" +
                        filter + R"('}
    labels: {id: from.args.id, first: 'from.args.args[0]', comm: from.comm, ret: args.ret}
    buckets: {exponential: {start: 1e-7, factor: 4, count: 14}}
  - name: busy_seconds_total
    from: {tracepoint: raw_syscalls/sys_enter, key: tid, filter: ')" +
                        filter + R"('}
    to: {tracepoint: raw_syscalls/sys_exit, key: tid, filter: ')" +
                        filter + R"('}
)",
                    way);
    for (std::uint64_t i = 0; i < 1009; ++i) {
      call(i % 3);
    }
    std::uint64_t count = 0;
    std::uint64_t nanoseconds = 0;
    const std::vector<Row> rows = session.rows("duration_seconds");
    const std::string parent = std::to_string(getppid());
    CHECK(rows.size() == 3);
    for (const Row& row : rows) {
      CHECK(row.labels.at("id") == std::to_string(SYS_getppid));
      CHECK(row.labels.at("comm") == own_comm());
      CHECK(row.labels.at("ret") == parent);
      count += count_of(row.words);
      nanoseconds += row.words[row.words.size() - 2];
    }
    CHECK(count == 1009);
    CHECK(nanoseconds > 0);
    CHECK(session.sum("busy_seconds_total") > 0);
    for (const LostReason reason : {LostReason::PairNoStart, LostReason::PairCollision, LostReason::PairRestart}) {
      CHECK(session.lost("duration_seconds", reason) == 0);
    }
  }
}

TEST_CASE("what a pair can't match is counted by its reason", "[kernel]") {
  for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    // args[1] says what a call does: 1 starts, 2 ends the pair of the key in args[0].
    Session session(
        "metrics:\n  - name: seconds_total\n    from: {tracepoint: raw_syscalls/sys_enter, key: 'args.args[0] & "
        "0xffffffff', filter: '" +
            own_calls() +
            " && args.args[1] == 1'}\n    to: {tracepoint: "
            "raw_syscalls/sys_enter, key: 'args.args[0] & 0xffffffff', filter: '" +
            own_calls() + " && args.args[1] == 2'}\n    labels: {kept: 'from.args.args[2]'}\n",
        {attach, std::nullopt});
    call(5, 1, 77);
    call(5, 2, 1000);  // a pair
    call(5, 2);        // ended already
    call(6, 2);        // never started
    call(7, 1, 1);
    call(7, 1, 78);  // started anew
    call(7, 2, 10);
    const auto ended = session.table("seconds_total");
    CHECK(ended.size() == 2);
    CHECK(ended.contains("77"));
    CHECK(ended.contains("78"));
    CHECK(session.lost("seconds_total", LostReason::PairNoStart) == 2);
    CHECK(session.lost("seconds_total", LostReason::PairRestart) == 1);
    CHECK(session.lost("seconds_total", LostReason::PairCollision) == 0);
  }
}

TEST_CASE("an end that the filter of `to` refuses ends its pair uncounted: waits that time out are no latencies",
          "[kernel]") {
  constexpr std::uint64_t kWaits = 10;
  // Keys of 4 and of 8 bytes.
  for (const std::string& key : {std::string("tid"), std::string("tid + 0")}) {
    for (const Force& way : all_ways()) {
      INFO(describe(way) << ", key " << key);
      const std::string own = "tid == " + std::to_string(gettid());
      Session session(
          "metrics:\n  - name: wait_seconds\n    type: histogram\n    buckets: [1]\n"
          "    labels: {word: 'hex(from.args.uaddr)'}\n"
          "    from: {tracepoint: syscalls/sys_enter_futex, key: " +
              key + ", filter: '" + own + " && (args.op & 127) == 0'}\n" +
              "    to: {tracepoint: syscalls/sys_exit_futex, key: " + key + ", filter: '" + own +
              " && args.ret >= 0'}\n",
          way);
      std::uint32_t word = 0;
      const timespec soon{0, 1000};
      for (std::uint64_t i = 0; i < kWaits; ++i) {
        REQUIRE(syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &soon, nullptr, 0) == -1);
        REQUIRE(errno == ETIMEDOUT);
      }
      REQUIRE(syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0) == 0);
      CHECK(session.rows("wait_seconds").empty());
      // The wake alone: its start is none, and its end is one that the filter takes.
      CHECK(session.lost("wait_seconds", LostReason::PairNoStart) == 1);
      CHECK(session.lost("wait_seconds", LostReason::PairRestart) == 0);
      CHECK(session.lost("wait_seconds", LostReason::PairCollision) == 0);
    }
  }
}

TEST_CASE("every wait for a CPU is counted once", "[kernel]") {
  for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    Workload workload("context_switches", {"311"});
    const std::string pid = std::to_string(workload.pid());
    std::string yaml = R"yaml(
metrics:
  - name: wait_seconds
    type: histogram
    from:
      - {tracepoint: sched/sched_wakeup, key: args.pid, filter: args.pid == PID}
      - {tracepoint: sched/sched_wakeup_new, key: args.pid, filter: args.pid == PID}
      - tracepoint: sched/sched_switch
        key: args.prev_pid
        filter: args.prev_pid == PID && (args.prev_state == 0 || args.prev_state == 256)
    to: {tracepoint: sched/sched_switch, key: args.next_pid, filter: args.next_pid == PID}
    labels: {comm: args.next_comm}
    buckets: {exponential: {start: 1e-6, factor: 4, count: 12}}
  - name: runs_total
    tracepoint: sched/sched_switch
    filter: args.next_pid == PID
  - name: all_total
    tracepoint: sched/sched_switch
    labels: {thread: args.prev_pid}
)yaml";
    for (auto at = yaml.find("PID"); at != std::string::npos; at = yaml.find("PID")) {
      yaml.replace(at, 3, pid);
    }
    Session session(yaml, {attach, std::nullopt});
    const auto of_the_first = switches_of_the_first_process();
    const std::uint64_t before = switches_of(workload.pid());
    workload.run();
    const std::uint64_t switches = switches_of(workload.pid()) - before;
    const auto of_the_first_after = switches_of_the_first_process();
    const std::uint64_t hidden = hidden_switches(of_the_first, of_the_first_after, session.table("all_total"));
    std::uint64_t count = 0;
    for (const Row& row : session.rows("wait_seconds")) {
      CHECK(row.labels.at("comm") == "context_switche");
      count += count_of(row.words);
    }
    // Each run is one, but for those that begin by a switch from a task in which this kernel fires no tracepoint.
    const std::uint64_t runs = session.value("runs_total");
    CHECK(runs <= switches);
    CHECK(runs + hidden >= switches);
    // Nor do wakeups in such a task's context; the run after it begins by a switch from it, or from one that came in between.
    const std::uint64_t without_start = session.lost("wait_seconds", LostReason::PairNoStart);
    CHECK(count + without_start == runs);
    CHECK(without_start <= hidden);
    CHECK(session.lost("wait_seconds", LostReason::PairCollision) == 0);
  }
}

}  // namespace
}  // namespace tpx::test
