#include <sys/sysinfo.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <numeric>
#include <optional>
#include <thread>

#include "catch.h"
#include "kernel/memory_limit.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"

namespace tpx::test {
namespace {

using schema::LostReason;

/// kernel.pid_max raised to what 64-bit distributions set, for the life of this; as it was where that is not permitted.
class ManyIds {
 public:
  ManyIds() {
    std::ifstream(kPath) >> before_;
    std::ofstream(kPath) << 4194304;
  }
  ManyIds(const ManyIds&) = delete;
  ManyIds& operator=(const ManyIds&) = delete;
  ManyIds(ManyIds&&) = delete;
  ManyIds& operator=(ManyIds&&) = delete;
  ~ManyIds() { std::ofstream(kPath) << before_; }

 private:
  static constexpr const char* kPath = "/proc/sys/kernel/pid_max";
  std::string before_;
};

/// 50,000, or as many as there is room for in this machine's ids and memory.
std::uint64_t threads_to_block() {
  constexpr std::uint64_t kBytes = 48U << 10U;  // stacks of user and kernel, task_struct
  struct sysinfo machine{};
  REQUIRE(sysinfo(&machine) == 0);
  const std::uint64_t limit = kernel::thread_limit().value_or(32768);
  const std::uint64_t others = 2 * machine.procs + 4000;
  const std::uint64_t free = (machine.freeram + machine.bufferram) * machine.mem_unit;
  return std::min({std::uint64_t{50000}, limit > others ? limit - others : 1, free / 2 / kBytes});
}

TEST_CASE("the waits of 50,000 blocked threads are counted, whatever other threads do meanwhile", "[kernel]") {
  constexpr std::uint64_t kCallers = 1009;
  constexpr std::uint64_t kCalls = 11;
  const ManyIds ids;
  const std::uint64_t blocked = threads_to_block();
  Workload workload("blocked_threads", {std::to_string(blocked), std::to_string(kCallers), std::to_string(kCalls)});
  const std::string filter = "filter: pid == " + std::to_string(workload.pid()) + ", key: tid}\n";
  Session session(
      "metrics:\n  - name: read_seconds\n    type: histogram\n    buckets: [1]\n"
      "    labels: {fd: from.args.fd}\n"
      "    from: {tracepoint: syscalls/sys_enter_readv, " +
          filter + "    to: {tracepoint: syscalls/sys_exit_readv, " + filter,
      {.threads = kernel::thread_limit()});
  workload.run();
  const std::string gate = std::to_string(workload.reported("gate"));
  std::map<bool, std::uint64_t> counts;
  for (const Row& row : session.rows("read_seconds")) {
    counts[row.labels.at("fd") == gate] += std::accumulate(row.words.begin(), row.words.end() - 2, std::uint64_t{0});
  }
  CHECK(counts[true] == blocked);
  CHECK(counts[false] == kCallers * kCalls);
  CHECK(workload.reported("count") == blocked + kCallers * kCalls);
  for (const LostReason reason : {LostReason::PairCollision, LostReason::PairNoStart, LostReason::PairRestart}) {
    CHECK(session.lost("read_seconds", reason) == 0);
  }
}

TEST_CASE("two starts that met in one slot by the low bits of their keys are both counted", "[kernel]") {
  for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    const std::string own = "key: args.who, filter: 'tid == " + std::to_string(gettid()) + "'}\n";
    Session session("metrics:\n  - name: seconds_total\n    from: {tracepoint: syscalls/sys_enter_getpriority, " + own +
                        "    to: {tracepoint: syscalls/sys_enter_setpriority, " + own +
                        "    labels: {who: from.args.who}\n",
                    {attach, std::nullopt});
    for (const auto call : {SYS_getpriority, SYS_setpriority}) {
      for (const int who : {3, 3 + (1 << 16), 3 + (1 << 20)}) {
        syscall(call, 99, who, 0);
      }
    }
    CHECK(session.rows("seconds_total").size() == 3);
    CHECK(session.lost("seconds_total", LostReason::PairCollision) == 0);
    CHECK(session.lost("seconds_total", LostReason::PairNoStart) == 0);
  }
}

TEST_CASE("a thread that exits within a call leaves no start behind", "[kernel]") {
  constexpr std::uint64_t kThreads = 503;
  struct Case {
    const char* from;
    const char* to;
  };
  for (const Case& test : {Case{"raw_syscalls/sys_enter, key: tid, filter: pid == PID && args.id == EXIT",
                                "raw_syscalls/sys_exit, key: tid, filter: pid == PID"},
                           Case{"sched/sched_switch, key: args.prev_pid, filter: pid == PID && args.prev_state >= 16",
                                "sched/sched_switch, key: args.next_pid"}}) {
    for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
      INFO(test.from);
      Workload workload("threads", {std::to_string(kThreads)});
      std::string yaml = std::string("metrics:\n  - name: seconds\n    type: histogram\n    buckets: [1]\n") +
                         "    from: {tracepoint: " + test.from + "}\n    to: {tracepoint: " + test.to + "}\n";
      for (const auto& [word, value] :
           {std::pair("PID", std::to_string(workload.pid())), std::pair("EXIT", std::to_string(SYS_exit))}) {
        for (auto at = yaml.find(word); at != std::string::npos; at = yaml.find(word)) {
          yaml.replace(at, std::string_view(word).size(), value);
        }
      }
      Session session(yaml, {attach, std::nullopt});
      workload.run();
      // The kernel frees a thread some time after others know that it has exited.
      const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (session.lost("seconds", LostReason::PairRestart) < kThreads &&
             std::chrono::steady_clock::now() < patience) {
        std::this_thread::yield();
      }
      CHECK(session.lost("seconds", LostReason::PairRestart) == kThreads);
      CHECK(session.lost("seconds", LostReason::PairCollision) == 0);
    }
  }
}

TEST_CASE("of more starts than the store has room for, those that are displaced are counted", "[kernel]") {
  const std::string own = "key: args.who, filter: 'tid == " + std::to_string(gettid()) + "'}\n";
  Session session(
      "metrics:\n  - name: seconds\n    type: histogram\n    buckets: [1]\n"
      "    from: {tracepoint: syscalls/sys_enter_getpriority, " +
          own + "    to: {tracepoint: syscalls/sys_enter_setpriority, " + own,
      {.threads = 1});
  const std::uint32_t starts = 3 * session.planned("seconds").pair->slots;
  for (const auto call : {SYS_getpriority, SYS_setpriority}) {
    for (std::uint32_t who = 0; who < starts; ++who) {
      syscall(call, 99, who, 0);
    }
  }
  const std::vector<std::uint64_t> words = session.words("seconds", {});
  const std::uint64_t counted = std::accumulate(words.begin(), words.end() - 2, std::uint64_t{0});
  const std::uint64_t displaced = session.lost("seconds", LostReason::PairCollision);
  CHECK(counted + displaced == starts);
  CHECK(displaced == session.lost("seconds", LostReason::PairNoStart));
  CHECK(counted <= session.planned("seconds").pair->slots);
}

}  // namespace
}  // namespace tpx::test
