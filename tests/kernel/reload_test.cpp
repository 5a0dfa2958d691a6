// A deployment that takes over from another one, without a service around it.

#include <thread>

#include "catch.h"
#include "config/config.h"
#include "decode/decoder.h"
#include "kernel/support/session.h"
#include "kernel/support/workload.h"
#include "plan/planner.h"
#include "reader/reader.h"
#include "service/deploy.h"

namespace tpx::test {
namespace {

loader::Loaded deployed(const std::string& metrics, const service::Continuity& continuity,
                        std::optional<plan::AttachType> attach) {
  const config::Loaded loaded = config::parse("test.yaml", "namespace: \"\"\nmetrics:\n" + metrics);
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  options.force_attach = attach;
  loader::Loaded result = service::deploy(plan::make_plan(loaded.config, this_kernel(), options),
                                          this_kernel().features, loader::Attach::Yes, continuity);
  REQUIRE(result.rejected.empty());
  return result;
}

std::uint64_t sum(const loader::LoadedMetric& metric) {
  reader::MapSnapshot snapshot;
  REQUIRE(reader::Reader(metric).read(snapshot));
  std::uint64_t total = 0;
  for (std::size_t row = 0; row < snapshot.rows(); ++row) {
    total += snapshot.value(row)[0];
  }
  return total;
}

const loader::LoadedMetric& metric(const loader::Loaded& loaded, const std::string& name) {
  for (const loader::LoadedMetric& each : loaded.metrics) {
    if (each.planned.plan.name == name) {
      return each;
    }
  }
  FAIL("no metric " << name);
  throw std::logic_error("unreachable");
}

void run(std::uint64_t calls) {
  Workload workload("getppid_calls", {std::to_string(calls)});
  workload.run();
}

const std::string kCalls =
    "  - {name: calls_total, tracepoint: syscalls/sys_enter_getppid, filter: 'comm == \"getppid_calls\"'}\n";
const std::string kMore = "  - {name: more_total, tracepoint: syscalls/sys_enter_getppid, labels: {comm: comm}}\n";

/// Metrics of calls, whose maps need more than one program when there are more than 64.
std::string numbered(std::size_t from, std::size_t to) {
  std::string metrics;
  for (std::size_t i = from; i < to; ++i) {
    metrics += "  - {name: number_" + std::to_string(i) +
               "_total, tracepoint: syscalls/sys_enter_getppid, filter: 'comm == \"getppid_calls\"'}\n";
  }
  return metrics;
}

}  // namespace

TEST_CASE("a program in a slot is replaced, and its metric goes on", "[kernel]") {
  for (const auto attach : {plan::AttachType::TpBtf, plan::AttachType::Classic}) {
    loader::Loaded first = deployed(kCalls, {true, nullptr}, attach);
    REQUIRE(first.programs.front().slot != nullptr);
    run(101);
    loader::Loaded second = deployed(kCalls + kMore, {true, &first}, attach);
    CHECK(metric(second, "calls_total").kept);
    CHECK_FALSE(metric(second, "more_total").kept);
    run(11);  // the first still counts
    CHECK(sum(metric(second, "more_total")) == 0);
    REQUIRE(loader::replace_programs(second, first));
    first = {};
    run(17);
    CHECK(sum(metric(second, "calls_total")) == 101 + 11 + 17);
    CHECK(sum(metric(second, "more_total")) >= 17);
  }
}

TEST_CASE("a deployment that is given up leaves the program in the slot", "[kernel]") {
  const loader::Loaded first = deployed(kCalls, {true, nullptr}, std::nullopt);
  {
    const loader::Loaded second = deployed(kCalls + kMore, {true, &first}, std::nullopt);
  }
  run(101);
  CHECK(sum(metric(first, "calls_total")) == 101);
}

TEST_CASE("without slots only a metric whose programs do not change goes on", "[kernel]") {
  loader::Loaded first = deployed(kCalls, {}, std::nullopt);
  CHECK(first.programs.front().slot == nullptr);
  run(101);
  loader::Loaded same = deployed(kCalls, {false, &first}, std::nullopt);
  CHECK(metric(same, "calls_total").kept);
  REQUIRE(loader::replace_programs(same, first));
  first = {};
  run(11);
  CHECK(sum(metric(same, "calls_total")) == 101 + 11);
  const loader::Loaded changed = deployed(kCalls + kMore, {false, &same}, std::nullopt);
  CHECK_FALSE(metric(changed, "calls_total").kept);
  run(17);
  CHECK(sum(metric(changed, "calls_total")) == 17);
}

TEST_CASE("metrics that share an attach point in another way than before count each event once", "[kernel]") {
  loader::Loaded first = deployed(numbered(0, 100), {true, nullptr}, std::nullopt);
  REQUIRE(first.programs.size() == 2);
  // Those of the second program would fit into the first one now; new ones come before and after them.
  loader::Loaded second =
      deployed(numbered(200, 240) + numbered(50, 100) + numbered(300, 320), {true, &first}, std::nullopt);
  Workload workload("getppid_calls", {"3000000"});
  std::thread calls([&] { workload.run(); });
  REQUIRE(loader::replace_programs(second, first));
  calls.join();
  for (std::size_t i = 50; i < 100; ++i) {
    const loader::LoadedMetric& kept = metric(second, "number_" + std::to_string(i) + "_total");
    CHECK(kept.kept);
    CHECK(sum(kept) == 3'000'000);
  }
  first = {};
  run(101);
  CHECK(sum(metric(second, "number_99_total")) == 3'000'101);
  for (const std::size_t i : {200, 239, 300, 319}) {
    CHECK_FALSE(metric(second, "number_" + std::to_string(i) + "_total").kept);
    CHECK(sum(metric(second, "number_" + std::to_string(i) + "_total")) >= 101);
  }
  // And back.
  const loader::Loaded third = deployed(numbered(0, 100), {true, &second}, std::nullopt);
  CHECK(metric(third, "number_75_total").kept);
  CHECK_FALSE(metric(third, "number_1_total").kept);
}

}  // namespace tpx::test
