// Counts under load: every event is in a series, in `other`, or among the lost ones with its reason.

#include <pthread.h>
#include <sched.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <bit>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "catch.h"
#include "codegen/rows.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"
#include "skip.h"

namespace tpx::test {
namespace {

using schema::LostReason;

std::string process_calls() {
  return "args.id == " + std::to_string(SYS_getppid) + " && pid == " + std::to_string(getpid());
}

/// Reads the metrics' sums all the time while `work` runs; how often one of them fell.
std::uint64_t falls_while(Session& session, const std::vector<std::string>& metrics,
                          const std::function<void()>& work) {
  std::atomic<bool> done = false;
  std::uint64_t falls = 0;
  std::thread scraper([&] {
    std::map<std::string, std::uint64_t> last;
    do {
      for (const std::string& metric : metrics) {
        const std::uint64_t now = session.sum(metric);
        falls += now < last[metric] ? 1 : 0;
        last[metric] = now;
      }
    } while (!done);
  });
  work();
  done = true;
  scraper.join();
  return falls;
}

TEST_CASE("100000 distinct keys from several CPUs are all counted while scrapes run", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    const std::string calls = "    tracepoint: raw_syscalls/sys_enter\n    filter: " + process_calls() +
                              "\n    labels: {key: 'args.args[0]'}\n    max_series: ";
    Session session("metrics:\n  - name: one_total\n" + calls + "1\n  - name: many_total\n" + calls + "5000\n", way);
    constexpr std::uint64_t kThreads = 4;
    constexpr std::uint64_t kKeys = 25'000;
    const std::uint64_t falls = falls_while(session, {"one_total", "many_total"}, [] {
      std::vector<std::thread> threads;
      for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([thread] {
          for (std::uint64_t key = 0; key < kKeys; ++key) {
            call((thread * kKeys + key) * 0x9e3779b97f4a7c15U);
          }
        });
      }
      for (std::thread& thread : threads) {
        thread.join();
      }
    });
    CHECK(falls == 0);
    for (const std::string metric : {"one_total", "many_total"}) {
      CHECK(session.sum(metric) == kThreads * kKeys);
      CHECK(session.other(metric) ==
            session.lost(metric, LostReason::OtherFull) + session.lost(metric, LostReason::OtherBusy));
    }
    CHECK(session.table("one_total").size() == 1);
  }
}

/// Each CPU calls with all keys, all in the same order, so that they meet new keys at the same moment again and again.
void call_on_every_cpu(std::uint64_t keys) {
  const auto cpus = static_cast<std::size_t>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 2L));
  std::barrier start(static_cast<std::ptrdiff_t>(cpus));
  std::vector<std::thread> threads;
  for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
    threads.emplace_back([&start, cpu, keys] {
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(cpu, &own);
      static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof own, &own));
      start.arrive_and_wait();
      for (std::uint64_t key = 0; key < keys; ++key) {
        call(key);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST_CASE("a table takes as many label sets as it says, whoever meets them first", "[kernel]") {
  constexpr std::uint64_t kKeys = 16384;
  const auto cpus = static_cast<std::uint64_t>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 2L));
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    // The last label sets but one need an id for each CPU that may be about to insert them.
    const std::string limit = "max_series: " + std::to_string(kKeys + cpus - 1);
    Session session(
        "metrics:\n" + calls_metric("calls_total", "labels: {key: 'args.args[0]'}\n" + limit, process_calls()), way);
    call_on_every_cpu(kKeys);
    CHECK(session.other("calls_total") == 0);
    const auto rows = session.table("calls_total");
    CHECK(rows.size() == kKeys);
    CHECK(std::ranges::all_of(rows, [&](const auto& row) { return row.second == cpus; }));
  }
}

/// Calls in between of timers that this thread arms: their interrupts come while the programs run.
void call_under_interrupts(std::uint64_t rounds) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  REQUIRE(timer >= 0);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const itimerspec when{{0, 0}, {0, static_cast<long>(1000 + round % 97 * 200)}};
    REQUIRE(timerfd_settime(timer, 0, &when, nullptr) == 0);
    for (std::uint64_t i = 0; i < 32; ++i) {
      call(i % 5);
    }
  }
  close(timer);
}

TEST_CASE("interrupts in the middle of a count lose nothing", "[kernel]") {
  constexpr std::uint64_t kRounds = 4000;
  std::promise<pid_t> ready;
  std::promise<void> go;
  std::promise<void> called;
  std::promise<void> end;
  // Asleep until all are attached and while they are read, so that all see the same events.
  const auto worker =
      std::async(std::launch::async, [&ready, &called, started = go.get_future(), ended = end.get_future()]() mutable {
        ready.set_value(gettid());
        started.wait();
        call_under_interrupts(kRounds);
        called.set_value();
        ended.wait();
      });
  const pid_t tid = ready.get_future().get();
  const std::string mine = "tid == " + std::to_string(tid);
  const auto metric = [&](const std::string& name, const std::string& events, const std::string& more) {
    return "  - name: " + name + "\n    tracepoint: " + events + "\n    filter: " + mine + "\n" + more;
  };
  const std::string both = "[raw_syscalls/sys_enter, timer/hrtimer_expire_entry]";
  std::vector<std::unique_ptr<Session>> sessions;
  for (const Force& way : all_ways()) {
    sessions.push_back(std::make_unique<Session>(
        "metrics:\n" + metric("calls_total", "raw_syscalls/sys_enter", "") +
            metric("timers_total", "timer/hrtimer_expire_entry", "") + metric("plain_total", both, "") +
            metric("shared_total", both, "    labels: {tid: tid}\n") +
            metric("inserted_total", both, "    labels: {key: nsecs % 8192}\n    max_series: 4096\n"),
        way));
  }
  go.set_value();
  called.get_future().wait();
  static_cast<void>(switches_of(tid));
  const std::uint64_t timers = sessions.front()->sum("timers_total");
  CHECK(timers > 0);
  for (const auto& session : sessions) {
    const std::uint64_t truth = session->sum("calls_total") + session->sum("timers_total");
    CHECK(session->sum("calls_total") >= kRounds * 33);
    CHECK(session->sum("plain_total") == truth);
    CHECK(session->sum("shared_total") == truth);
    CHECK(session->sum("inserted_total") == truth);
    // A classic program does not run while another one does on that CPU; the kernel counts those.
    if (session->planned("timers_total").attach == plan::AttachType::TpBtf) {
      CHECK(session->sum("timers_total") == timers);
    } else if (this_kernel().features.recursion_misses) {
      CHECK(session->sum("timers_total") + session->recursion_misses() >= timers);
    }
  }
  end.set_value();
}

TEST_CASE("keys whose places in the index are all taken count as `other` with that reason", "[kernel]") {
  Session session("metrics:\n" + calls_metric("calls_total", "labels: {key: 'args.args[0]'}\nmax_series: 1000"),
                  {std::nullopt, schema::StoreKind::Table});
  const std::uint64_t slots = session.planned("calls_total").plan.store.region.slots;
  constexpr std::uint64_t kMore = 7;
  std::uint64_t calls = 0;
  for (std::uint64_t key = 1; calls < codegen::kProbes + kMore; ++key) {
    std::uint64_t hash = key * codegen::kHashMultiplier;
    hash = (hash ^ (hash >> 32U)) * codegen::kHashMultiplier;
    if (hash >> (64 - std::countr_zero(slots)) == 0) {
      call(key);
      ++calls;
    }
  }
  CHECK(session.sum("calls_total") == calls);
  CHECK(session.table("calls_total").size() == codegen::kProbes);
  CHECK(session.lost("calls_total", LostReason::OtherBusy) == kMore);
  CHECK(session.lost("calls_total", LostReason::OtherFull) == 0);
}

TEST_CASE("events that fire inside of their own program are counted as lost", "[kernel]") {
  if (!this_kernel().tracefs.format("exceptions", "page_fault_kernel")) {
    TPX_SKIP("no tracepoint exceptions/page_fault_kernel: nothing makes a program fire its own event");
  }
  if (!this_kernel().features.tp_btf_recursion_guard) {
    TPX_SKIP("this kernel runs a tp_btf program inside of itself");
  }
  // Reading the text that the fault was about faults again.
  Session session("metrics:\n  - name: faults_total\n    raw_tracepoint: page_fault_kernel\n    filter: tid == " +
                  std::to_string(gettid()) + " && args.address == 4096\n    labels: {text: str(args.address)}\n");
  for (int i = 0; i < 13; ++i) {
    CHECK(access(reinterpret_cast<const char*>(4096), R_OK) != 0);
  }
  const std::uint64_t faults = session.sum("faults_total");
  CHECK(faults >= 13);
  CHECK(session.recursion_misses() >= faults);
}

}  // namespace
}  // namespace tpx::test
