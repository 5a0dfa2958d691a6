// Which row each CPU adds to: nothing is lost or counted twice, whatever number a CPU has.

#include <linux/bpf.h>

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"
#include "support/interpreted_plan.h"
#include "support/random_event.h"

namespace tpx::test {
namespace {

constexpr unsigned kPossible = 40;

constexpr const char* kMetrics = R"(namespace: ""
metrics:
  - {name: plain_total, tracepoint: sched/sched_switch}
  - {name: labelled_total, tracepoint: sched/sched_switch, labels: {cpu: cpu}}
  - {name: summed_total, tracepoint: sched/sched_switch, value: args.prev_pid & 255, labels: {a: 1}}
  - name: observed
    type: histogram
    tracepoint: sched/sched_switch
    value: args.prev_pid & 255
    labels: {a: 1}
    buckets: [10, 100]
  - {name: full_total, tracepoint: sched/sched_switch, labels: {cpu: cpu}, max_series: 1}
)";

struct Lanes {
  std::optional<std::uint32_t> own;
  std::optional<std::uint32_t> folded;
};

/// Three events on every possible CPU.
void count_on_every_cpu(const std::string& release, const Lanes& lanes) {
  auto kernel =
      kernel::recorded_kernel(recorded_directory(release), release == "5.10" ? kernel::features_of_release(5, 10)
                                                                             : kernel::features_of_release(6, 1));
  REQUIRE(kernel.has_value());
  kernel->possible_cpus = kPossible;
  const config::Loaded loaded = config::parse("a.yaml", kMetrics);
  INFO(config::render(loaded.errors, loaded.config));
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  options.own_lanes = lanes.own;
  options.folded_lanes = lanes.folded;
  plan::Plan plan = plan::make_plan(loaded.config, *kernel, options);
  REQUIRE(plan.metrics.size() == 5);
  auto compiled = InterpretedPlan::compile(std::move(plan), *kernel);
  INFO((compiled ? "" : compiled.error().message));
  REQUIRE(compiled.has_value());
  InterpretedPlan& programs = **compiled;

  std::mt19937_64 random(1);
  RandomEvents maker(random, *kernel);
  const auto format = kernel->tracefs.format("sched", "sched_switch");
  REQUIRE(format.has_value());
  const auto shared = std::make_shared<const kernel::Format>(*format);
  constexpr std::uint64_t kEach = 3;
  for (unsigned cpu = 0; cpu < kPossible; ++cpu) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      auto event = maker.make(shared);
      event->cpu = cpu;
      const auto happened = programs.happen(*event);
      INFO((happened ? "" : happened.error().message));
      REQUIRE(happened.has_value());
    }
  }
  const std::uint64_t events = kEach * kPossible;
  CHECK(programs.rows(0).begin()->second.front() == events);
  CHECK(programs.rows(1).size() == kPossible);
  for (const auto& [key, words] : programs.rows(1)) {
    CHECK(words.front() == kEach);
  }
  const auto summed = programs.rows(2);
  const auto observed = programs.rows(3);
  REQUIRE(summed.size() == 1);
  REQUIRE(observed.size() == 1);
  const auto& words = observed.begin()->second;
  CHECK(words[0] + words[1] + words[2] == events);
  CHECK(words[3] == summed.begin()->second.front());
  CHECK(words[4] == 0);
  CHECK(programs.rows(4).begin()->second.front() + programs.other(4).front() == events);
  CHECK(programs.other(4).front() ==
        programs.lost(4, schema::LostReason::OtherFull) + programs.lost(4, schema::LostReason::OtherBusy));
}

TEST_CASE("events of every CPU are counted, whether CPUs have rows of their own or share them") {
  for (const std::string release : {"5.10", "6.1"}) {
    INFO(release);
    for (const std::uint32_t own : {1U, 2U, 39U, 40U}) {
      INFO("own " << own);
      count_on_every_cpu(release, {own, std::nullopt});
    }
    for (const std::uint32_t folded : {1U, 2U, 16U}) {
      INFO("folded " << folded);
      count_on_every_cpu(release, {std::nullopt, folded});
    }
  }
}

}  // namespace
}  // namespace tpx::test
