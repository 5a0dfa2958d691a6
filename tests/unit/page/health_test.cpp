#include "page/health.h"

#include <atomic>

#include "catch.h"

using namespace tpx;
using namespace tpx::page;
using namespace tpx::service;

namespace {

LossHistory::Time at(int seconds) {
  return LossHistory::Time{} + std::chrono::seconds(1000 + seconds);
}

ExporterStatus losing(std::uint64_t recursion, std::uint64_t other = 0, const std::string& name = "a_total") {
  ExporterStatus status;
  MetricStatus metric;
  metric.name = name;
  metric.up = true;
  metric.lost = {{"recursion", recursion}, {"negative_value", 0}};
  metric.other = other;
  status.metrics.push_back(metric);
  return status;
}

}  // namespace

TEST_CASE("what was lost more than five minutes ago is not told any more") {
  LossHistory history(at(0));
  history.observe(losing(500, 7), at(15));
  CHECK(history.recent(losing(500, 7), at(20)).lost_of("a_total") == 500);
  CHECK(history.recent(losing(500, 7), at(20)).other_of("a_total") == 7);
  for (int second = 30; second <= 600; second += 15) {
    history.observe(losing(500, 7), at(second));
  }
  const RecentLosses later = history.recent(losing(500, 7), at(610));
  CHECK(later.lost_of("a_total") == 0);
  CHECK(later.other_of("a_total") == 0);
  CHECK(later.span >= LossHistory::kWindow);
  CHECK(later.span < LossHistory::kWindow + 2 * LossHistory::kSpacing);
  CHECK_FALSE(later.since_start);
  CHECK(causes({}, losing(500), later).empty());
  CHECK(history.recent(losing(512, 7), at(610)).lost_of("a_total") == 12);
}

TEST_CASE("a sampler that was late does not make the window longer") {
  LossHistory history(at(0));
  history.observe(losing(10), at(15));
  history.observe(losing(10), at(100));
  const RecentLosses losses = history.recent(losing(13), at(1000));
  CHECK(losses.lost_of("a_total") == 3);
  CHECK(losses.span == std::chrono::seconds(900));  // told as it is
}

TEST_CASE("a counter that began anew counts from 0") {
  LossHistory history(at(0));
  history.observe(losing(100), at(15));
  history.observe(losing(4), at(30));
  CHECK(history.recent(losing(6), at(40)).lost_of("a_total") == 106);
}

TEST_CASE("samples that come too soon are left out") {
  LossHistory history(at(0));
  for (int second = 0; second < 15; ++second) {
    history.observe(losing(static_cast<std::uint64_t>(second)), at(second));
  }
  CHECK(history.recent(losing(20), at(15)).lost_of("a_total") == 20);
  CHECK(history.recent(losing(20), at(15)).since_start);
}

TEST_CASE("one cause is one line, however many metrics it has") {
  ExporterStatus status;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    MetricStatus metric;
    metric.name = name;
    metric.reason = "this kernel has no BTF";
    metric.hint = "build it with CONFIG_DEBUG_INFO_BTF";
    status.metrics.push_back(metric);
  }
  status.metrics[4].reason = "tracepoint x/y not found";
  const std::vector<Cause> found = causes({}, status, {});
  REQUIRE(found.size() == 2);
  CHECK(found[0].metrics == std::vector<std::string>{"a", "b", "c", "d"});
  const std::string html = health_strip(found, status, {});
  CHECK(html.find("this kernel has no BTF · <code>a, b, c and 1 more</code>") != std::string::npos);
  CHECK(html.find("href=\"/metric/d\"") != std::string::npos);
}

TEST_CASE("the strip is bounded") {
  ExporterStatus status;
  for (int i = 0; i < 1000; ++i) {
    MetricStatus metric;
    metric.name = "m" + std::to_string(i);
    metric.reason = "reason " + std::to_string(i);
    status.metrics.push_back(metric);
  }
  const std::string html = health_strip(causes({}, status, {}), status, {});
  CHECK(html.find("988 more causes") != std::string::npos);
  CHECK(html.size() < 8000);
}

TEST_CASE("a sampler thread takes samples until it is destroyed") {
  const auto history = std::make_shared<LossHistory>(std::chrono::steady_clock::now() - std::chrono::hours(1));
  std::atomic<int> calls = 0;
  {
    const std::jthread sampler = sample_losses(history, [&] {
      ++calls;
      calls.notify_all();
      return losing(9);
    });
    calls.wait(0);
  }
  CHECK(calls == 1);
  // Seen from a counter that began anew: without the sample there would be nothing.
  CHECK(history->recent(losing(0), std::chrono::steady_clock::now()).lost_of("a_total") == 9);
}
