#include "loader/pin_header.h"

#include "catch.h"

namespace tpx::loader {
namespace {

PinHeader header() {
  PinHeader result;
  result.points.push_back({{plan::AttachType::TpBtf, "", "sys_enter", 42}, "slot_1", "stub_2", "link_3"});
  result.points.push_back({{plan::AttachType::Classic, "sched", "sched_switch", 300}, "slot_4", "stub_5", "link_6"});
  PinnedMetric metric;
  metric.name = "calls_total";
  metric.identity = "texts of any kind: 12 \n; and more";
  metric.region = {"counts_7", 8192, 4096, 100};
  metric.shown = {"shown_8", 4096, 0, 0};
  metric.points = {0, 1};
  metric.misses_before = {7, 0};
  result.metrics.push_back(metric);
  return result;
}

}  // namespace

TEST_CASE("a pin header is read as it was written") {
  const auto read = parse_pin_header(render_pin_header(header()));
  REQUIRE(read);
  REQUIRE(read->points.size() == 2);
  CHECK(read->points[1].point == header().points[1].point);
  CHECK(read->points[0].link == "link_3");
  REQUIRE(read->metrics.size() == 1);
  CHECK(read->metrics[0].identity == header().metrics[0].identity);
  CHECK(read->metrics[0].region.hidden_offset == 4096);
  CHECK(read->metrics[0].shown.pin == "shown_8");
  CHECK(read->metrics[0].hash.empty());
  CHECK(read->metrics[0].misses_before == std::vector<std::uint64_t>{7, 0});
}

TEST_CASE("a damaged pin header is refused, wherever the damage is") {
  const std::string text = render_pin_header(header());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(parse_pin_header(text.substr(0, size)));
    std::string changed = text;
    changed[size] = static_cast<char>(changed[size] ^ 1);
    CHECK_FALSE(parse_pin_header(changed));
  }
  CHECK_FALSE(parse_pin_header(text + " "));
  CHECK(parse_pin_header("26 tracepoint_exporter pins 2\n").error().message.find("another version") !=
        std::string::npos);
}

}  // namespace tpx::loader
