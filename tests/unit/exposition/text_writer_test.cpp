#include "exposition/text_writer.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "catch.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"
#include "support/fake_series.h"

namespace tpx::exposition {
namespace {

using schema::MetricKind;
using test::CollectingSink;
using test::FakeLabels;
using test::make_plan;
using test::make_snapshot;

std::string render(TextFormat format, const schema::MetricSchema& plan, FakeLabels& labels,
                   const reader::MapSnapshot& snapshot) {
  decode::SeriesTable table(plan.key, plan.value, labels);
  CollectingSink sink;
  TextWriter writer(sink, format);
  writer.metric(plan, table.update(snapshot));
  REQUIRE(writer.finish());
  const auto parsed = test::parse_exposition(sink.text, format == TextFormat::OpenMetrics);
  INFO((parsed ? std::string() : parsed.error().message) << "\n" << sink.text);
  REQUIRE(parsed.has_value());
  return sink.text;
}

schema::MetricSchema histogram_plan() {
  auto plan = make_plan(MetricKind::Histogram, {"device"});
  plan.value.bounds = {512, 1000000000};
  plan.value.exposed_bounds = {0.000512, 1000};
  plan.scale = 1e-6;
  return plan;
}

TEST_CASE("a counter in text 0.0.4") {
  const auto plan = make_plan(MetricKind::Counter, {"pid", "comm"});
  FakeLabels labels;
  labels.texts = {{1, {"17", "a\"b\\c\nd"}}};
  const auto snapshot = make_snapshot(plan, {{1, {18446744073709551615U}}});
  CHECK(render(TextFormat::Prometheus, plan, labels, snapshot) ==
        "# HELP tracepoint_events_total Events.\n"
        "# TYPE tracepoint_events_total counter\n"
        "tracepoint_events_total{pid=\"17\",comm=\"a\\\"b\\\\c\\nd\"} 18446744073709551615\n");
}

TEST_CASE("a counter in OpenMetrics") {
  auto plan = make_plan(MetricKind::Counter, {});
  plan.scale = 0.001;
  FakeLabels labels;
  labels.texts[0] = {};
  const auto snapshot = make_snapshot(plan, {{0, {3}}});
  CHECK(render(TextFormat::OpenMetrics, plan, labels, snapshot) ==
        "# HELP tracepoint_events Events.\n"
        "# TYPE tracepoint_events counter\n"
        "tracepoint_events_total 0.003\n"
        "# EOF\n");
  plan.name = "events";
  CHECK(render(TextFormat::OpenMetrics, plan, labels, snapshot).find("\nevents_total 0.003\n") != std::string::npos);
}

TEST_CASE("gauges show their last value, signed where it is") {
  auto plan = make_plan(MetricKind::Gauge, {"cpu"});
  plan.name = "frequency_hertz";
  plan.scale = 1000;
  FakeLabels labels;
  labels.texts = {{1, {"0"}}, {2, {"1"}}};
  const auto snapshot = make_snapshot(plan, {{1, {2400000, 1}}, {2, {7, 0}}});
  CHECK(render(TextFormat::Prometheus, plan, labels, snapshot) ==
        "# HELP frequency_hertz Events.\n# TYPE frequency_hertz gauge\nfrequency_hertz{cpu=\"0\"} 2400000000\n");
  plan.value.is_signed = true;
  const auto negative = make_snapshot(plan, {{1, {static_cast<std::uint64_t>(-5), 1}}});
  CHECK(render(TextFormat::Prometheus, plan, labels, negative).ends_with("{cpu=\"0\"} -5000\n"));
}

TEST_CASE("a histogram has cumulative buckets, +Inf, an exact sum and the count") {
  const auto plan = histogram_plan();
  FakeLabels labels;
  labels.texts = {{1, {"sda"}}};
  const auto snapshot = make_snapshot(plan, {{1, {3, 4, 5, 1234567, 0}}});
  CHECK(render(TextFormat::Prometheus, plan, labels, snapshot) ==
        "# HELP tracepoint_size_bytes Events.\n"
        "# TYPE tracepoint_size_bytes histogram\n"
        "tracepoint_size_bytes_bucket{device=\"sda\",le=\"0.000512\"} 3\n"
        "tracepoint_size_bytes_bucket{device=\"sda\",le=\"1000\"} 7\n"
        "tracepoint_size_bytes_bucket{device=\"sda\",le=\"+Inf\"} 12\n"
        "tracepoint_size_bytes_sum{device=\"sda\"} 1.234567\n"
        "tracepoint_size_bytes_count{device=\"sda\"} 12\n");
  CHECK(render(TextFormat::OpenMetrics, plan, labels, snapshot).find("{device=\"sda\",le=\"1000.0\"} 7\n") !=
        std::string::npos);
}

TEST_CASE("a histogram without labels has le alone; with negative bounds OpenMetrics gets no sum") {
  auto plan = make_plan(MetricKind::Histogram, {});
  plan.value.bounds = {-1, 0};
  plan.value.exposed_bounds = {-1, 0};
  FakeLabels labels;
  labels.texts[0] = {};
  const auto snapshot = make_snapshot(plan, {{0, {1, 0, 0, static_cast<std::uint64_t>(-8), ~0ULL}}});
  CHECK(render(TextFormat::Prometheus, plan, labels, snapshot) ==
        "# HELP tracepoint_size_bytes Events.\n"
        "# TYPE tracepoint_size_bytes histogram\n"
        "tracepoint_size_bytes_bucket{le=\"-1\"} 1\n"
        "tracepoint_size_bytes_bucket{le=\"0\"} 1\n"
        "tracepoint_size_bytes_bucket{le=\"+Inf\"} 1\n"
        "tracepoint_size_bytes_sum -8\n"
        "tracepoint_size_bytes_count 1\n");
  const std::string open = render(TextFormat::OpenMetrics, plan, labels, snapshot);
  CHECK(open.find("_sum") == std::string::npos);
  CHECK(open.find("_count") == std::string::npos);
}

TEST_CASE("a metric without series writes nothing") {
  const auto plan = make_plan(MetricKind::Counter, {"pid"});
  FakeLabels labels;
  const auto snapshot = make_snapshot(plan, {});
  CHECK(render(TextFormat::Prometheus, plan, labels, snapshot).empty());
  CHECK(render(TextFormat::OpenMetrics, plan, labels, snapshot) == "# EOF\n");
}

TEST_CASE("help is escaped and its bad UTF-8 repaired") {
  auto plan = make_plan(MetricKind::Counter, {});
  plan.help = "a\\b\nc \"d\" \xff";
  FakeLabels labels;
  labels.texts[0] = {};
  const auto snapshot = make_snapshot(plan, {{0, {1}}});
  CHECK(render(TextFormat::Prometheus, plan, labels, snapshot)
            .starts_with("# HELP tracepoint_events_total a\\\\b\\nc \"d\" \xEF\xBF\xBD\n"));
  CHECK(render(TextFormat::OpenMetrics, plan, labels, snapshot)
            .starts_with("# HELP tracepoint_events a\\\\b\\nc \\\"d\\\" \xEF\xBF\xBD\n"));
}

TEST_CASE("families made sample by sample") {
  CollectingSink sink;
  TextWriter writer(sink, TextFormat::OpenMetrics);
  writer.begin_family("scrapes_total", "Scrapes.", FamilyType::Counter);
  writer.sample("", "code=\"200\"", {}, 1.5);
  writer.begin_family("up", "Up.", FamilyType::Gauge);
  writer.sample("", {}, {}, std::nan(""));
  writer.begin_family("what", "What.", FamilyType::Untyped);
  writer.sample("", {}, {}, -std::numeric_limits<double>::infinity());
  REQUIRE(writer.finish());
  CHECK(sink.text ==
        "# HELP scrapes Scrapes.\n# TYPE scrapes counter\nscrapes_total{code=\"200\"} 1.5\n"
        "# HELP up Up.\n# TYPE up gauge\nup NaN\n"
        "# HELP what What.\n# TYPE what unknown\nwhat -Inf\n"
        "# EOF\n");
}

TEST_CASE("pieces are at most 64 KiB, and lines across them are whole") {
  const auto plan = make_plan(MetricKind::Counter, {"pid"});
  FakeLabels labels;
  std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> rows;
  for (std::uint64_t i = 1; i <= 20000; ++i) {
    labels.texts[i] = {std::to_string(i)};
    rows.push_back({i, {i}});
  }
  labels.texts[20001] = {std::string(200000, 'x')};  // larger than the buffer
  rows.push_back({20001, {1}});
  const auto snapshot = make_snapshot(plan, rows);
  decode::SeriesTable table(plan.key, plan.value, labels);
  CollectingSink sink;
  TextWriter writer(sink, TextFormat::Prometheus);
  writer.metric(plan, table.update(snapshot));
  REQUIRE(writer.finish());
  CHECK(sink.largest <= 65536);
  CHECK(sink.pieces >= 10);
  const auto page = test::parse_exposition(sink.text);
  REQUIRE(page.has_value());
  CHECK(page->families.at(0).samples.size() == 20001);
  CHECK(page->sum(plan.name) == 20000.0 * 20001 / 2 + 1);
}

TEST_CASE("after a refusal nothing more is given to the sink") {
  const auto plan = make_plan(MetricKind::Counter, {"pid"});
  FakeLabels labels;
  std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> rows;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    labels.texts[i] = {std::to_string(i)};
    rows.push_back({i, {i}});
  }
  const auto snapshot = make_snapshot(plan, rows);
  decode::SeriesTable table(plan.key, plan.value, labels);
  CollectingSink sink;
  sink.refuse_after = 2;
  TextWriter writer(sink, TextFormat::Prometheus);
  writer.metric(plan, table.update(snapshot));
  CHECK_FALSE(writer.ok());
  CHECK_FALSE(writer.finish());
  CHECK(sink.refused == 1);
}

/// A page with every kind, for promtool.
std::string sample_page() {
  FakeLabels labels;
  labels.texts = {{1, {"sda"}}, {2, {"a\"\\\n"}}};
  auto counter = make_plan(MetricKind::Counter, {"device"});
  auto gauge = make_plan(MetricKind::Gauge, {"device"});
  gauge.name = "tracepoint_level_ratio";
  auto histogram = histogram_plan();
  histogram.name = "tracepoint_wait_seconds";
  decode::SeriesTable counters(counter.key, counter.value, labels);
  decode::SeriesTable gauges(gauge.key, gauge.value, labels);
  decode::SeriesTable histograms(histogram.key, histogram.value, labels);
  const auto counter_rows = make_snapshot(counter, {{1, {5}}, {2, {6}}});
  const auto gauge_rows = make_snapshot(gauge, {{1, {5, 1}}});
  const auto histogram_rows = make_snapshot(histogram, {{1, {1, 2, 3, 4, 0}}, {2, {1, 0, 0, 4, 0}}});
  CollectingSink sink;
  TextWriter writer(sink, TextFormat::Prometheus);
  writer.metric(counter, counters.update(counter_rows));
  writer.metric(gauge, gauges.update(gauge_rows));
  writer.metric(histogram, histograms.update(histogram_rows));
  REQUIRE(writer.finish());
  return sink.text;
}

TEST_CASE("promtool finds nothing to say") {
  if (std::system("command -v promtool > /dev/null 2>&1") != 0) {
    const char* ci = std::getenv("CI");
    REQUIRE_FALSE((ci != nullptr && std::string_view(ci) == "true"));
    WARN("promtool is not installed (Debian package: prometheus)");
    return;
  }
  const std::string file =
      (std::filesystem::temp_directory_path() / ("tpx_promtool." + std::to_string(getpid()))).string();
  const std::string command = "promtool check metrics > " + file + " 2>&1";
  std::FILE* promtool = popen(command.c_str(), "w");
  REQUIRE(promtool != nullptr);
  const std::string page = sample_page();
  std::fwrite(page.data(), 1, page.size(), promtool);
  const int status = pclose(promtool);
  std::FILE* said = std::fopen(file.c_str(), "r");
  REQUIRE(said != nullptr);
  char text[4096];
  const std::size_t size = std::fread(text, 1, sizeof text, said);
  std::fclose(said);
  std::filesystem::remove(file);
  INFO(page);
  CHECK(std::string(text, size).empty());
  CHECK(status == 0);
}

}  // namespace
}  // namespace tpx::exposition
