// A page of every kind of metric, in both text formats.

#include <array>

#include "catch.h"
#include "exposition/text_writer.h"
#include "golden/support/golden.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"
#include "support/fake_series.h"

namespace tpx::test {
namespace {

using schema::MetricKind;

struct Shown {
  schema::MetricSchema plan;
  FakeLabels labels;
  reader::MapSnapshot snapshot;
};

Shown counter() {
  Shown shown{make_plan(MetricKind::Counter, {"pid", "comm"}), {}, {}};
  shown.plan.name = "tracepoint_context_switches_total";
  shown.plan.help = "Times a thread was switched off a CPU.\nSecond line, back\\slash.";
  shown.labels.texts = {{1, {"1", "systemd"}}, {2, {"4194304", "a \"b\" \\ c\nd"}}, {3, {"7", "k\xc3\xa4se"}}};
  shown.snapshot = make_snapshot(shown.plan, {{1, {12}}, {2, {18446744073709551615U}}, {3, {0}}});
  return shown;
}

Shown seconds() {
  Shown shown{make_plan(MetricKind::Counter, {}), {}, {}};
  shown.plan.name = "tracepoint_run_queue_seconds_total";
  shown.plan.scale = 1e-9;
  shown.labels.texts[0] = {};
  shown.snapshot = make_snapshot(shown.plan, {{0, {1234567890123}}});
  return shown;
}

Shown gauge() {
  Shown shown{make_plan(MetricKind::Gauge, {"cpu"}), {}, {}};
  shown.plan.name = "tracepoint_temperature_celsius";
  shown.plan.value.is_signed = true;
  shown.plan.scale = 0.001;
  shown.labels.texts = {{1, {"0"}}, {2, {"1"}}, {3, {"2"}}};
  // The third was never set.
  shown.snapshot =
      make_snapshot(shown.plan, {{1, {40500, 1}}, {2, {static_cast<std::uint64_t>(-250), 1}}, {3, {0, 0}}});
  return shown;
}

Shown histogram() {
  Shown shown{make_plan(MetricKind::Histogram, {"device"}), {}, {}};
  shown.plan.name = "tracepoint_block_request_seconds";
  shown.plan.value.bounds = {1000, 16000, 256000};
  shown.plan.value.exposed_bounds = {1e-6, 1.6e-5, 0.000256};
  shown.plan.scale = 1e-9;
  shown.labels.texts = {{1, {"nvme0n1"}}, {2, {"sda"}}};
  shown.snapshot = make_snapshot(shown.plan, {{1, {0, 3, 4, 1, 987654, 0}}, {2, {1, 0, 0, 0, 999, 0}}});
  return shown;
}

std::string page(exposition::TextFormat format) {
  CollectingSink sink;
  exposition::TextWriter writer(sink, format);
  for (Shown& shown : std::array{counter(), seconds(), gauge(), histogram()}) {
    decode::SeriesTable table(shown.plan.key, shown.plan.value, shown.labels);
    writer.metric(shown.plan, table.update(shown.snapshot));
  }
  REQUIRE(writer.finish());
  return sink.text;
}

TEST_CASE("a page of metrics is as recorded", "[golden]") {
  for (const auto& [format, name] : {std::pair(exposition::TextFormat::Prometheus, "exposition/prometheus.txt"),
                                     std::pair(exposition::TextFormat::OpenMetrics, "exposition/openmetrics.txt")}) {
    const std::string text = page(format);
    CHECK(parse_exposition(text, format == exposition::TextFormat::OpenMetrics).has_value());
    check_golden(name, text);
  }
}

}  // namespace
}  // namespace tpx::test
