#include "plan/lanes.h"

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"

namespace tpx::plan {
namespace {

using schema::LaneRule;

kernel::Kernel machine(unsigned possible, unsigned online, std::uint64_t memory = 0) {
  auto kernel = kernel::recorded_kernel(test::recorded_directory("6.1"), kernel::features_of_release(6, 12));
  REQUIRE(kernel.has_value());
  kernel->possible_cpus = possible;
  kernel->online_cpus = online;
  kernel->memory_bytes = memory;
  return *kernel;
}

Plan plan_on(const kernel::Kernel& kernel, const std::string& yaml) {
  const config::Loaded loaded = config::parse("a.yaml", "namespace: \"\"\n" + yaml);
  INFO(config::render(loaded.errors, loaded.config));
  REQUIRE(loaded.errors.empty());
  Options options;
  options.decoders = decode::signatures();
  return make_plan(loaded.config, kernel, options);
}

schema::StorePlan store_on(const kernel::Kernel& kernel, const std::string& metric) {
  const Plan plan = plan_on(kernel, "metrics:\n  - " + metric + "\n");
  REQUIRE(plan.metrics.size() == 1);
  return plan.metrics.front().plan.store;
}

constexpr const char* kSwitches = "{name: a_total, tracepoint: sched/sched_switch, labels: {pid: pid}}";
constexpr const char* kStarts = "{name: a_total, tracepoint: sched/sched_process_exec, labels: {pid: pid}}";

TEST_CASE("where all possible CPUs are online, each has a row") {
  const schema::StorePlan store = store_on(machine(2, 2), kSwitches);
  CHECK(store.region.lane_rule == LaneRule::PerCpu);
  CHECK(store.region.lanes == 2);
  CHECK_FALSE(store.atomic);
}

TEST_CASE("CPUs that are not online share one row, however many are possible") {
  for (const unsigned possible : {3U, 128U, 320U}) {
    const schema::StorePlan store = store_on(machine(possible, 2), kSwitches);
    CHECK(store.region.lane_rule == LaneRule::SharedLast);
    CHECK(store.region.lanes == 3);
    CHECK_FALSE(store.atomic);
    const std::uint64_t two = store_on(machine(2, 2), kSwitches).region.total_bytes();
    CHECK(store.region.total_bytes() < two + two / 4);
  }
}

TEST_CASE("a histogram of many series stays a table on a big machine, in rows that CPUs share") {
  const schema::StorePlan store = store_on(
      machine(128, 128),
      "{name: a_seconds, type: histogram, tracepoint: sched/sched_switch, value: args.prev_prio, labels: {pid: pid},"
      " buckets: {exponential: {start: 1, factor: 2, count: 32}}}");
  CHECK(store.kind == schema::StoreKind::Table);
  CHECK(store.region.lane_rule == LaneRule::Folded);
  CHECK(store.region.lanes == 8);
  CHECK(store.atomic);
  CHECK(store.region.total_bytes() < 32U << 20U);
}

TEST_CASE("events that are rare, by their nature or as the user says, have one row for all CPUs") {
  for (const char* metric : {kStarts, "{name: a_total, tracepoint: oom/mark_victim}",
                             "{name: a_total, tracepoint: sched/sched_switch, labels: {pid: pid}, per_cpu: false}"}) {
    const schema::StorePlan store = store_on(machine(128, 128), metric);
    CHECK(store.region.lane_rule == LaneRule::Folded);
    CHECK(store.region.lanes == 1);
    CHECK(store.atomic);
  }
  CHECK(store_on(machine(4, 4), "{name: a_total, tracepoint: sched/sched_process_exec, per_cpu: true}").region.lanes ==
        4);
  // One of its events is not rare.
  CHECK(store_on(machine(4, 4), "{name: a_total, tracepoint: [sched/sched_process_exec, sched/sched_switch]}")
            .region.lanes == 4);
  CHECK(fires_rarely("sched/sched_process_fork"));
  CHECK(fires_rarely("task_newtask"));
  CHECK_FALSE(fires_rarely("sched/sched_waking"));
}

TEST_CASE("a gauge has one row that needs no atomic adds") {
  const schema::StorePlan store =
      store_on(machine(128, 2), "{name: a, type: gauge, tracepoint: sched/sched_switch, value: args.prev_prio}");
  CHECK(store.region.lanes == 1);
  CHECK_FALSE(store.atomic);
}

TEST_CASE("metrics whose maps are more than max_bytes are rejected by name with the sum") {
  const std::string metrics =
      "metrics:\n"
      "  - {name: a_total, tracepoint: sched/sched_switch, labels: {pid: pid}}\n"
      "  - {name: b_total, tracepoint: sched/sched_switch, labels: {comm: comm}, max_series: 1000000}\n"
      "  - {name: c_total, tracepoint: sched/sched_switch}\n";
  const Plan all = plan_on(machine(2, 2), metrics);
  REQUIRE(all.metrics.size() == 3);
  CHECK(all.rejected.empty());
  CHECK(all.map_bytes == all.metrics[0].map_bytes() + all.metrics[1].map_bytes() + all.metrics[2].map_bytes());

  const Plan limited = plan_on(machine(2, 2), "max_bytes: 16MiB\n" + metrics);
  REQUIRE(limited.metrics.size() == 2);
  CHECK(limited.metrics[0].plan.name == "a_total");
  CHECK(limited.metrics[1].plan.name == "c_total");
  REQUIRE(limited.rejected.size() == 1);
  CHECK(limited.rejected[0].name == "b_total");
  CHECK(limited.rejected[0].kernel_dependent);
  const std::string& message = limited.rejected[0].error.message;
  INFO(message);
  CHECK(message.find("\"b_total\": its maps need 54 MiB, together with those before it 54 MiB") != std::string::npos);
  CHECK(message.find("max_bytes is 16 MiB") != std::string::npos);
  for (const ProgramPlan& program : limited.programs) {
    for (const Unit& unit : program.units) {
      CHECK(unit.metric < limited.metrics.size());
    }
  }
}

TEST_CASE("max_bytes is a quarter of what the process may use by default, and not below 64 MiB") {
  CHECK(plan_on(machine(2, 2, 1ULL << 30U), "metrics: []").max_bytes == 256ULL << 20U);
  CHECK(plan_on(machine(2, 2, 128ULL << 20U), "metrics: []").max_bytes == 64ULL << 20U);
  CHECK(plan_on(machine(2, 2, 1ULL << 30U), "max_bytes: 2MiB\nmetrics: []").max_bytes == 2ULL << 20U);
}

}  // namespace
}  // namespace tpx::plan
