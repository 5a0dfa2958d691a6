// What the end of many classic programs takes: a measurement, run by name ("[detach]").

#include <chrono>
#include <cstdio>

#include "catch.h"
#include "config/config.h"
#include "decode/decoder.h"
#include "kernel/support/session.h"
#include "service/deploy.h"

namespace tpx::test {
namespace {

TEST_CASE("detaching many classic programs", "[.][detach]") {
  const config::Loaded loaded = config::parse("a.yaml",
                                              "namespace: \"\"\nmetrics:\n  - {name: a_total, tracepoint: ['sched/*', "
                                              "'irq/*', 'timer/*', 'signal/*', 'task/*', "
                                              "'block/*']}\n");
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  options.force_attach = plan::AttachType::Classic;
  loader::Loaded running =
      service::deploy(plan::make_plan(loaded.config, this_kernel(), options), this_kernel().features);
  REQUIRE(running.rejected.empty());
  const std::size_t programs = running.programs.size();
  CHECK(programs > 30);
  const auto begin = std::chrono::steady_clock::now();
  running = {};
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("detached %zu programs in %.2f s\n", programs, took.count());
}

}  // namespace
}  // namespace tpx::test
