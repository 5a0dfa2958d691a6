#include "exposition/registry_text.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include "catch.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"

namespace tpx::exposition {
namespace {

test::Exposition page_of(prometheus::Registry& registry, TextFormat format) {
  test::CollectingSink sink;
  TextWriter writer(sink, format);
  write_families(writer, registry.Collect());
  REQUIRE(writer.finish());
  auto page = test::parse_exposition(sink.text, format == TextFormat::OpenMetrics);
  INFO((page ? std::string() : page.error().message) << "\n" << sink.text);
  REQUIRE(page.has_value());
  return *std::move(page);
}

TEST_CASE("a registry's metrics of every kind are written in both formats") {
  prometheus::Registry registry;
  auto& counters = prometheus::BuildCounter().Name("scrapes_total").Help("Scrapes.").Register(registry);
  counters.Add({{"code", "2\"0\xff"}}).Increment(3);
  prometheus::BuildGauge().Name("up").Help("Up.").Register(registry).Add({}).Set(-1.5);
  auto& histograms = prometheus::BuildHistogram().Name("wait_seconds").Help("Wait.").Register(registry);
  auto& histogram = histograms.Add({}, prometheus::Histogram::BucketBoundaries{1, 2.5});
  histogram.Observe(0.5);
  histogram.Observe(7);
  auto& summaries = prometheus::BuildSummary().Name("size_bytes").Help("Size.").Register(registry);
  summaries.Add({}, prometheus::Summary::Quantiles{{0.5, 0.1}}).Observe(4);
  prometheus::BuildGauge().Name("empty").Help("No metric.").Register(registry);

  for (const TextFormat format : {TextFormat::Prometheus, TextFormat::OpenMetrics}) {
    const test::Exposition page = page_of(registry, format);
    CHECK(page.value("scrapes_total", {{"code", "2\"0\xEF\xBF\xBD"}}) == 3.0);
    CHECK(page.value("up") == -1.5);
    const std::string one = format == TextFormat::OpenMetrics ? "1.0" : "1";
    CHECK(page.value("wait_seconds_bucket", {{"le", one}}) == 1.0);
    CHECK(page.value("wait_seconds_bucket", {{"le", "+Inf"}}) == 2.0);
    CHECK(page.value("wait_seconds_sum") == 7.5);
    CHECK(page.value("wait_seconds_count") == 2.0);
    CHECK(page.value("size_bytes", {{"quantile", "0.5"}}) == 4.0);
    CHECK(page.value("size_bytes_count") == 1.0);
    CHECK(page.find("empty") == nullptr);
  }
}

}  // namespace
}  // namespace tpx::exposition
