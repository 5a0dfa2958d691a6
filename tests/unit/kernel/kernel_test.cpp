#include "kernel/kernel.h"

#include "catch.h"
#include "support/fixtures.h"

using tpx::kernel::features_of_release;
using tpx::kernel::parse_possible_cpus;

TEST_CASE("possible CPUs count up to the highest number", "[kernel]") {
  CHECK(parse_possible_cpus("0\n").value() == 1);
  CHECK(parse_possible_cpus("0-3\n").value() == 4);
  CHECK(parse_possible_cpus("0-3,8\n").value() == 9);
  CHECK(parse_possible_cpus("0,2-127").value() == 128);
  for (const char* text : {"", "\n", "a", "3-1", "0-", "-1", "0,,1", "0-99999999999", "4294967295"}) {
    INFO(text);
    CHECK_FALSE(parse_possible_cpus(text));
  }
}

TEST_CASE("a recorded kernel has its formats, its types and the features it is told", "[kernel][recorded]") {
  const auto features = features_of_release(5, 10);
  const auto kernel = tpx::kernel::recorded_kernel(tpx::test::recorded_directory("5.10"), features);
  REQUIRE(kernel);
  CHECK(kernel->recorded);
  CHECK(kernel->btf);
  CHECK_FALSE(kernel->features.fetch_atomics);
  CHECK(kernel->tracefs.format("irq", "softirq_entry"));
  CHECK_FALSE(tpx::kernel::recorded_kernel("/nonexistent", features));
}

TEST_CASE("features follow the releases", "[kernel]") {
  const auto old = features_of_release(5, 10);
  CHECK(old.mmapable_array);
  CHECK(old.tp_btf);
  CHECK(old.ring_buffer);
  CHECK(old.classic_tracepoint);
  CHECK_FALSE(old.fetch_atomics);
  CHECK_FALSE(old.current_task_btf);
  CHECK_FALSE(old.perf_link);
  const auto middle = features_of_release(6, 1);
  CHECK(middle.fetch_atomics);
  CHECK(middle.perf_link);
  CHECK_FALSE(middle.recursion_misses);
  CHECK_FALSE(middle.tp_btf_recursion_guard);
  const auto young = features_of_release(7, 0);
  CHECK(young.recursion_misses);
  CHECK(young.tp_btf_recursion_guard);
}
