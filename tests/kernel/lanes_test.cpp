// Rows that CPUs share: known numbers of calls on each CPU, all at once, are counted exactly.

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <barrier>
#include <thread>

#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

constexpr std::uint64_t kCalls = 30'011;  // prime

std::vector<int> online_cpus() {
  cpu_set_t allowed;
  REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

/// Two threads on each CPU call kCalls times each, all at once; each call's first argument is its number modulo 7.
void call_on(const std::vector<int>& cpus) {
  constexpr std::size_t kThreads = 2;
  std::barrier start(static_cast<std::ptrdiff_t>(kThreads * cpus.size()));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads * cpus.size(); ++i) {
    threads.emplace_back([&, cpu = cpus[i % cpus.size()]] {
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(cpu, &own);
      static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof own, &own));
      start.arrive_and_wait();
      for (std::uint64_t number = 0; number < kCalls; ++number) {
        call(number % 7);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

std::vector<Force> lane_ways() {
  std::vector<Force> ways;
  for (Force way : all_ways()) {
    for (const std::uint32_t lanes : {1U, 2U}) {
      way.own_lanes = lanes;
      way.folded_lanes.reset();
      ways.push_back(way);
      way.own_lanes.reset();
      way.folded_lanes = lanes;
      ways.push_back(way);
    }
  }
  return ways;
}

TEST_CASE("calls on every CPU are counted exactly in rows of their own and in rows that CPUs share", "[kernel]") {
  const std::vector<int> cpus = online_cpus();
  const std::uint64_t total = 2 * kCalls * cpus.size();
  std::uint64_t sum_of_arguments = 0;
  for (std::uint64_t number = 0; number < kCalls; ++number) {
    sum_of_arguments += 2 * cpus.size() * (number % 7);
  }
  const std::string calls = "args.id == " + std::to_string(SYS_getppid) + " && pid == " + std::to_string(getpid());
  for (const Force& way : lane_ways()) {
    INFO(describe(way));
    Session session(
        "metrics:\n" + calls_metric("plain_total", "", calls) +
            calls_metric("labelled_total", "labels: {key: 'args.args[0]', cpu: cpu}", calls) +
            calls_metric("summed_total", "labels: {a: 1}\nvalue: args.args[0]", calls) +
            calls_metric("full_total", "labels: {key: 'args.args[0]'}\nmax_series: 1", calls) +
            calls_metric("observed", "type: histogram\nlabels: {a: 1}\nvalue: args.args[0]\nbuckets: [2]", calls),
        way);
    call_on(cpus);
    CHECK(session.sum("plain_total") == total);
    CHECK(session.sum("labelled_total") == total);
    std::uint64_t rows = 0;
    for (const auto& [labels, count] : session.table("labelled_total")) {
      rows += 1;
      INFO(labels);
      const std::uint64_t argument = labels.front() - '0';
      CHECK(count == 2 * (kCalls / 7 + (argument < kCalls % 7 ? 1 : 0)));
    }
    CHECK(rows == 7 * cpus.size());
    CHECK(session.sum("summed_total") == sum_of_arguments);
    CHECK(session.sum("full_total") == total);
    CHECK(session.other("full_total") > 0);
    const auto observed = session.rows("observed");
    REQUIRE(observed.size() == 1);
    CHECK(observed[0].words[0] + observed[0].words[1] == total);
    CHECK(observed[0].words[2] == sum_of_arguments);
    CHECK(observed[0].words[3] == 0);
    CHECK(session.recursion_misses() == 0);
  }
}

}  // namespace
}  // namespace tpx::test
