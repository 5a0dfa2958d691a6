#include "plan/cardinality.h"

#include "catch.h"
#include "decode/decoder.h"
#include "kernel/kernel.h"
#include "support/fixtures.h"

namespace tpx::test {
namespace {

constexpr unsigned kCpus = 8;

plan::Options options() {
  plan::Options result;
  result.decoders = decode::signatures();
  return result;
}

/// The estimate of a metric with these lines, on Linux 6.1, and the warnings.
std::pair<plan::SeriesEstimate, std::vector<std::string>> estimate(const std::string& lines) {
  const auto kernel = kernel::recorded_kernel(recorded_directory("6.1"), kernel::features_of_release(6, 1));
  REQUIRE(kernel.has_value());
  const config::Loaded loaded =
      config::parse("a.yaml", "metrics:\n  - {name: a_total, max_series: 500, " + lines + "}\n");
  INFO(config::render(loaded.errors, loaded.config));
  REQUIRE(loaded.errors.empty());
  const plan::Plan plan = plan::make_plan(loaded.config, *kernel, options());
  REQUIRE(plan.metrics.size() == 1);
  auto series = plan::estimate_series(loaded.config, plan.metrics.front(), kCpus, options());
  auto warnings = plan::cardinality_warnings(series, plan.metrics.front());
  return {std::move(series), std::move(warnings)};
}

std::string text(const std::string& lines) {
  return plan::to_text(estimate(lines).first);
}

TEST_CASE("a metric without labels is one series") {
  CHECK(text("tracepoint: sched/sched_switch") == "1");
}

TEST_CASE("labels of known values multiply") {
  const std::string syscalls = "tracepoint: raw_syscalls/sys_exit, labels: ";
  CHECK(text(syscalls + "{a: cpu, b: args.ret < 0}") == "at most 16: a 8 × b 2");
  CHECK(text(syscalls + "{a: signal(args.ret), b: args.id % 3}") == "at most 195: a 65 × b 3");
  CHECK(text(syscalls + "{a: 'map(args.ret, 0=\"ok\", 1=\"one\", *=\"more\")', b: args.id & 5}") ==
        "at most 12: a 3 × b 4");
  CHECK(text(syscalls + "{a: 'map(args.ret, 0=\"ok\", 1=\"one\")'}").starts_with("no bound: a (values without a name"));
  CHECK(text("tracepoint: sched/sched_switch, labels: {a: symbol(args.prev_state)}")
            .starts_with("as the host has: a (combinations"));
  CHECK(text(syscalls + "{a: 'if(args.ret < 0, \"bad\", \"good\")'}") == "at most 2: a 2");
  CHECK(text("tracepoint: irq/softirq_entry, labels: {a: symbol(args.vec)}") == "at most 10: a 10");
  CHECK(text("tracepoint: [sched/sched_switch, sched/sched_wakeup], labels: {a: probe}") == "at most 2: a 2");
}

TEST_CASE("what the host has many of is named") {
  CHECK(text("tracepoint: sched/sched_switch, labels: {a: comm, b: cpu}") ==
        "as the host has: a (process names) × b 8");
  CHECK(text("tracepoint: sched/sched_switch, labels: {a: pid}, retire_on_exit: a") ==
        "as the host has: a (tasks alive)");
  CHECK(text("tracepoint: net/netif_receive_skb, labels: {a: args.name}") ==
        "as the host has: a (names in the kernel)");
}

TEST_CASE("labels without bound are warned of, the others are not") {
  const auto [series, warnings] =
      estimate("tracepoint: syscalls/sys_enter_openat, labels: {a: str(args.filename), b: comm, c: args.dfd < 0}");
  REQUIRE(series.driver() != nullptr);
  CHECK(series.driver()->label == "a");
  CHECK(plan::to_text(series).starts_with("no bound: a (text that programs choose)"));
  CHECK(warnings == std::vector<std::string>{
                        "label \"a\" has no bound (text that programs choose): after 500 series all further ones are "
                        "counted together as \"other\""});
  CHECK(estimate("tracepoint: sched/sched_switch, labels: {a: args.prev_pid}").second.size() == 1);
  CHECK(estimate("tracepoint: sched/sched_switch, labels: {a: args.prev_comm, b: args.prev_prio > 99}").second.empty());
}

}  // namespace
}  // namespace tpx::test
