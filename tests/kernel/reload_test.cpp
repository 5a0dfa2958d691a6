// A deployment that takes over from another one, without a service around it.

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

}  // namespace tpx::test
