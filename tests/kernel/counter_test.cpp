#include <atomic>
#include <thread>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"

namespace tpx::test {
namespace {

TEST_CASE("997 openat calls are 997, by every way to attach and to keep", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Workload workload("openat_calls", {"997"});
    Session session(R"(
metrics:
  - name: calls_total
    tracepoint: syscalls/sys_enter_openat
    labels: {pid: pid, comm: comm}
  - name: all_total
    tracepoint: syscalls/sys_enter_openat
    filter: pid == )" + std::to_string(workload.pid()),
                    way);
    workload.run();
    CHECK(session.value("calls_total", {{"pid", std::to_string(workload.pid())}, {"comm", "openat_calls"}}) == 997);
    CHECK(session.value("all_total") == 997);
    CHECK(session.planned("calls_total").attach == *way.attach);
    CHECK(session.planned("calls_total").plan.store.kind == *way.store);
    CHECK(session.planned("all_total").plan.store.kind == schema::StoreKind::Array);
  }
}

TEST_CASE("a thread's context switches are those of /proc/PID/status", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Workload workload("context_switches", {"499"});
    Session session(R"(
metrics:
  - name: switches_total
    tracepoint: sched/sched_switch
    labels: {pid: args.prev_pid, comm: args.prev_comm}
    max_series: 100000
  - name: current_total
    tracepoint: sched/sched_switch
    labels: {pid: tid, comm: comm}
    max_series: 100000
)",
                    way);
    const std::uint64_t before = switches_of(workload.pid());
    workload.run();
    const std::uint64_t after = switches_of(workload.pid());
    const std::map<std::string, std::string> labels = {{"pid", std::to_string(workload.pid())},
                                                       {"comm", "context_switche"}};
    CHECK(session.value("switches_total", labels) == after - before);
    CHECK(session.value("current_total", labels) == after - before);
  }
}

TEST_CASE("system calls' arguments and results are read as they were passed", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session(
        "metrics:\n"
        "  - name: enter_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
            own_calls() +
            "\n    labels: {a: 'args.args[0]', b: 'args.args[1]', c: 'args.args[2]'}\n"
            "  - name: exit_total\n    tracepoint: raw_syscalls/sys_exit\n    filter: " +
            own_calls() +
            "\n    labels: {ret: args.ret}\n"
            "  - name: failures_total\n    tracepoint: syscalls/sys_exit_close\n    filter: tid == " +
            std::to_string(gettid()) + " && args.ret < 0\n    labels: {ret: args.ret}\n",
        way);
    for (int i = 0; i < 13; ++i) {
      call(1, 0xffffffffffffffff, 0x123456789abcdef0);
      close(-1);
    }
    CHECK(session.table("enter_total") ==
          std::map<std::string, std::uint64_t>{{"1|18446744073709551615|1311768467463790320", 13}});
    CHECK(session.table("exit_total") == std::map<std::string, std::uint64_t>{{std::to_string(getppid()), 14}});
    CHECK(session.table("failures_total") == std::map<std::string, std::uint64_t>{{"-9", 13}});
  }
}

TEST_CASE("a full map keeps the sum exact in the series other", "[kernel]") {
  for (const Force& way : all_ways()) {
    for (const int limit : {1, 16, 1000}) {
      INFO(describe(way) << ", max_series " << limit);
      Session session(
          "metrics:\n  - name: calls_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " + own_calls() +
              "\n    labels: {key: 'args.args[0]'}\n    value: 'args.args[1]'\n    max_series: " +
              std::to_string(limit) + "\n",
          way);
      std::uint64_t truth = 0;
      for (std::uint64_t i = 0; i < 5003; ++i) {
        call(i % 1009, i);
        truth += i;
      }
      CHECK(session.sum("calls_total") == truth);
      CHECK(session.table("calls_total").size() <= static_cast<std::size_t>(limit));
      CHECK(session.table("calls_total").size() >= static_cast<std::size_t>(limit) * 9 / 10);
      CHECK(session.other("calls_total") > 0);
      CHECK(session.lost("calls_total", schema::LostReason::OtherFull) > 0);
    }
  }
}

TEST_CASE("100,000 distinct keys leave an exact sum", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session("metrics:\n  - name: calls_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
                        own_calls() + "\n    labels: {key: 'args.args[0]'}\n    max_series: 5000\n",
                    way);
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      call(i * 0x9e3779b97f4a7c15U);
    }
    CHECK(session.sum("calls_total") == 100'000);
  }
}

TEST_CASE("values: sums of signed amounts, negative ones are refused and counted", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session("metrics:\n  - name: sum_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
                        own_calls() + "\n    labels: {cpu: 'args.args[1]'}\n    value: '-args.args[0]'\n",
                    way);
    for (const std::int64_t value : {-5, 3, -7, 0, 1}) {
      call(static_cast<std::uint64_t>(value));
    }
    CHECK(session.value("sum_total", {{"cpu", "0"}}) == 12);
    CHECK(session.lost("sum_total", schema::LostReason::NegativeValue) == 2);
  }
}

/// Threads that call until told, each a number of times it says; all CPUs are in it.
class Callers {
 public:
  explicit Callers(unsigned count, std::uint64_t calls) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([calls, i] {
        for (std::uint64_t n = 0; n < calls; ++n) {
          call(n % 7, i);
        }
      });
    }
  }
  void join() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

 private:
  std::vector<std::thread> threads_;
};

std::string process_calls() {
  return "args.id == " + std::to_string(SYS_getppid) + " && pid == " + std::to_string(getpid());
}

TEST_CASE("several CPUs on one key count exactly, and sums never fall while they are read", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session(
        "metrics:\n  - name: calls_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " + process_calls() +
            "\n    labels: {key: 'args.args[0]'}\n"
            "  - name: few_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
            process_calls() +
            "\n    labels: {key: 'args.args[0]'}\n    max_series: 3\n"
            "  - name: plain_total\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
            process_calls() + "\n",
        way);
    constexpr std::uint64_t kCalls = 60'000;
    std::atomic<bool> done = false;
    Callers callers(4, kCalls);
    std::uint64_t falls = 0;
    std::uint64_t scrapes = 0;
    std::thread scraper([&] {
      std::map<std::string, std::uint64_t> last;
      while (!done || scrapes == 0) {
        for (const char* metric : {"calls_total", "few_total", "plain_total"}) {
          const std::uint64_t now = session.sum(metric);
          falls += now < last[metric] ? 1 : 0;
          last[metric] = now;
        }
        ++scrapes;
      }
    });
    callers.join();
    done = true;
    scraper.join();
    CHECK(falls == 0);
    CHECK(scrapes > 0);
    for (const char* metric : {"calls_total", "few_total", "plain_total"}) {
      CHECK(session.sum(metric) == 4 * kCalls);
    }
    CHECK(session.table("calls_total").size() == 7);
    CHECK(session.recursion_misses() == 0);
  }
}

TEST_CASE("gauges keep what was set last", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session("metrics:\n  - name: last\n    type: gauge\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
                        own_calls() +
                        "\n    labels: {key: 'args.args[0]'}\n    value: '-args.args[1]'\n"
                        "  - name: plain\n    type: gauge\n    tracepoint: raw_syscalls/sys_enter\n    filter: " +
                        own_calls() + "\n    value: 'args.args[1]'\n",
                    way);
    CHECK(session.words("plain", {}).back() == 0);
    for (std::uint64_t i = 0; i < 100; ++i) {
      call(i % 3, i);
    }
    CHECK(session.words("last", {{"key", "0"}}) == std::vector<std::uint64_t>{static_cast<std::uint64_t>(-99), 1});
    CHECK(session.words("last", {{"key", "1"}}) == std::vector<std::uint64_t>{static_cast<std::uint64_t>(-97), 1});
    CHECK(session.words("last", {{"key", "2"}}) == std::vector<std::uint64_t>{static_cast<std::uint64_t>(-98), 1});
    CHECK(session.words("plain", {}) == std::vector<std::uint64_t>{99, 1});
  }
}

}  // namespace
}  // namespace tpx::test
