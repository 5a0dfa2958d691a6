// Scrapes that come together share a reading of the maps.

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "catch.h"
#include "config/config.h"
#include "decode/decoder.h"
#include "kernel/kernel.h"
#include "plan/planner.h"
#include "service/deploy.h"
#include "service/metric_service.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"

namespace tpx::test {
namespace {

using Clock = std::chrono::steady_clock;

/// Calls of getppid() by this thread.
class Calls {
 public:
  Calls() {
    const config::Loaded loaded = config::parse("test.yaml",
                                                "namespace: ''\nmetrics:\n  - name: calls_total\n    tracepoint: "
                                                "syscalls/sys_enter_getppid\n    filter: tid == " +
                                                    std::to_string(::gettid()) + "\n    labels: {comm: comm}\n");
    REQUIRE(loaded.errors.empty());
    const auto kernel = kernel::running_kernel({});
    REQUIRE(kernel);
    plan::Plan plan = plan::make_plan(loaded.config, *kernel, {});
    REQUIRE(plan.rejected.empty());
    auto made = service::MetricService::make(service::deploy(std::move(plan), kernel->features), {},
                                             decode::with_shared({}), kernel->features);
    REQUIRE(made);
    REQUIRE((*made)->begin(nullptr, nullptr, [] {}));
    service_ = std::move(*made);
  }

  double scrape(Clock::time_point asked) {
    CollectingSink sink;
    exposition::TextWriter writer(sink, exposition::TextFormat::Prometheus);
    decode::Showing showing;
    showing.now = Clock::now();
    REQUIRE(service_->scrape(writer, showing, asked));
    REQUIRE(writer.finish());
    const auto page = parse_exposition(sink.text);
    REQUIRE(page);
    return page->sum("calls_total");
  }

 private:
  std::unique_ptr<service::MetricService> service_;
};

TEST_CASE("a scrape takes what another has read since it came, and nothing older", "[kernel]") {
  Calls calls;
  const auto call = [] { ::syscall(SYS_getppid); };
  call();
  const auto earlier = Clock::now();
  CHECK(calls.scrape(Clock::now()) == 1);
  call();
  CHECK(calls.scrape(earlier) == 1);       // it came before the reading that found 1
  CHECK(calls.scrape(Clock::now()) == 2);  // it came after
  call();
  CHECK(calls.scrape(Clock::time_point::max()) == 3);
}

}  // namespace
}  // namespace tpx::test
