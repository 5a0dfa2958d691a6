#include "live/top_model.h"

#include <algorithm>

#include "catch.h"
#include "live/top_table.h"

using namespace tpx;
using live::TopModel;
using live::TopSort;

namespace {

using Labels = std::vector<std::string>;
using Words = std::vector<std::uint64_t>;

void sample(TopModel& model, double seconds, const std::vector<std::pair<Labels, Words>>& series) {
  model.begin();
  for (const auto& [labels, value] : series) {
    model.add(labels, value);
  }
  model.end(seconds);
}

schema::ValueLayout histogram_layout() {
  schema::ValueLayout layout;
  layout.kind = schema::MetricKind::Histogram;
  layout.bounds = {10, 20, 40};
  layout.exposed_bounds = {10, 20, 40};
  return layout;
}

}  // namespace

TEST_CASE("a rate is the change of the total over the interval") {
  TopModel model({}, 1);
  sample(model, 1, {{{"a"}, {10}}, {{"b"}, {30}}});
  sample(model, 2, {{{"a"}, {110}}, {{"b"}, {40}}});
  const auto rows = model.rows(TopSort::Rate, "", 10);
  REQUIRE(rows.size() == 2);
  REQUIRE(rows[0].labels == Labels{"a"});
  REQUIRE(rows[0].rate == 50);
  REQUIRE(rows[0].total == 110);
  REQUIRE(rows[0].history == std::vector<double>{10, 50});
  REQUIRE(rows[1].rate == 5);
  REQUIRE(model.total() == 150);
  REQUIRE(model.rate() == 55);
}

TEST_CASE("equal labels are summed, as many samples as they come in") {
  TopModel model({}, 0.5);
  sample(model, 1, {{{"a", "1"}, {10}}, {{"a", "1"}, {6}}, {{"a", "2"}, {2}}});
  const auto rows = model.rows(TopSort::Total, "", 10);
  REQUIRE(rows.size() == 2);
  REQUIRE(rows[0].total == 8);
  sample(model, 1, {{{"a", "1"}, {16}}});
  REQUIRE(model.size() == 1);
  REQUIRE(model.rows(TopSort::Total, "", 10)[0].rate == 0);
}

TEST_CASE("labels that only differ in where one ends stay apart") {
  TopModel model({}, 1);
  sample(model, 1, {{{"ab", "c"}, {1}}, {{"a", "bc"}, {1}}});
  REQUIRE(model.size() == 2);
}

TEST_CASE("rows are cut, filtered and ordered") {
  TopModel model({}, 1);
  sample(model, 1, {{{"ccc"}, {1}}, {{"abc"}, {2}}, {{"b"}, {3}}});
  REQUIRE(model.rows(TopSort::Label, "", 1)[0].labels == Labels{"abc"});
  const auto found = model.rows(TopSort::Total, "c", 10);
  REQUIRE(found.size() == 2);
  REQUIRE(found[0].labels == Labels{"abc"});
  REQUIRE(model.rows(TopSort::Rate, "no such", 10).empty());
}

TEST_CASE("percentiles are interpolated in their bucket") {
  TopModel model(histogram_layout(), 1);
  // Ten observations up to 10, ten up to 20, none above; +Inf and the 128-bit sum follow.
  sample(model, 1, {{{"a"}, {10, 10, 0, 0, 0, 0}}, {{"b"}, {0, 0, 0, 5, 0, 0}}});
  const auto rows = model.rows(TopSort::Quantile, "", 10);
  REQUIRE(rows[0].labels == Labels{"b"});
  REQUIRE(rows[0].quantiles[2] == 40);
  REQUIRE(rows[1].total == 20);
  REQUIRE(rows[1].quantiles[0] == 10);
  REQUIRE(rows[1].quantiles[1] == 18);
}

TEST_CASE("a gauge shows what it is set to, by its sign") {
  schema::ValueLayout layout;
  layout.kind = schema::MetricKind::Gauge;
  layout.is_signed = true;
  TopModel model(layout, 1);
  sample(model, 1, {{{"set"}, {static_cast<std::uint64_t>(-5), 1}}, {{"never set"}, {0, 0}}});
  const auto rows = model.rows(TopSort::Total, "", 10);
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].total == -5);
}

TEST_CASE("after a reset counts begin at 0, and so does a series that begins anew") {
  TopModel model({}, 1);
  sample(model, 1, {{{"a"}, {100}}, {{"b"}, {50}}});
  model.reset();
  REQUIRE(model.total() == 0);
  sample(model, 2, {{{"a"}, {110}}, {{"b"}, {3}}});
  const auto rows = model.rows(TopSort::Label, "", 10);
  REQUIRE(rows[0].total == 10);
  REQUIRE(rows[0].rate == 5);
  REQUIRE(rows[0].history == std::vector<double>{5});
  REQUIRE(rows[1].total == 3);
  sample(model, 1, {{{"a"}, {111}}});
  REQUIRE(model.rows(TopSort::Label, "", 10)[0].total == 11);
}

TEST_CASE("a distribution is of the rows that the filter leaves, and of what came after a reset") {
  TopModel model(histogram_layout(), 1);
  sample(model, 1, {{{"a"}, {10, 1, 0, 0, 250, 0}}, {{"b"}, {0, 0, 0, 5, 400, 0}}});
  REQUIRE(model.distribution("") == Words{10, 1, 0, 5});
  REQUIRE(model.distribution("b") == Words{0, 0, 0, 5});
  REQUIRE(model.count("b") == 1);
  model.reset();
  sample(model, 1, {{{"a"}, {12, 1, 0, 0, 260, 0}}});
  REQUIRE(model.distribution("") == Words{2, 0, 0, 0});
  REQUIRE(model.rows(TopSort::Rate, "", 1)[0].value == Words{2, 0, 0, 0, 10, 0});
}

TEST_CASE("bars go from the first bucket that is used to the last") {
  const live::TopTable table{{}, true, false, 0, live::Unit::Seconds};
  const auto bars = table.bars({0, 10, 0, 5, 0}, {1e-6, 2e-6, 4e-6, 8e-6});
  REQUIRE(bars.size() == 3);
  REQUIRE(bars[0] == "  1.00 us .. 2.00 us          10 |" + std::string(40, '@') + "|");
  REQUIRE(bars[2] == "  4.00 us .. 8.00 us           5 |" + std::string(20, '@') + std::string(20, ' ') + "|");
  REQUIRE(table.bars({0, 0}, {1}).empty());
}

TEST_CASE("a sparkline is scaled to its largest value") {
  REQUIRE(live::sparkline({0, 7, 14}, 8, true) == "▁▅█");
  REQUIRE(live::sparkline({0, 14}, 8, false) == "_#");
  REQUIRE(live::sparkline({1, 2, 3}, 2, false).size() == 2);
  REQUIRE(live::sparkline({0, 0}, 4, false) == "__");
  REQUIRE(live::sparkline({}, 4, true).empty());
}

TEST_CASE("cells are cut between characters") {
  REQUIRE(live::fitted("äöü", 2) == "äö");
  REQUIRE(live::fitted("ä", 3) == "ä  ");
  REQUIRE(live::fitted("1", 3, true) == "  1");
}

TEST_CASE("what is cut has a mark") {
  REQUIRE(live::fitted("processes", 5, false, "…") == "proc…");
  REQUIRE(live::fitted("processes", 9, false, "…") == "processes");
  REQUIRE(live::fitted("ab", 1, false, ">") == ">");
  REQUIRE(live::fitted("ab", 0, false, ">").empty());
}

TEST_CASE("a table is as wide as the terminal") {
  TopModel model({}, 1);
  sample(model, 1, {{{"some process\n", "12"}, {1500}}});
  live::TopTable table{{"comm", "pid"}, false, true, 0};
  const auto rows = model.rows(TopSort::Rate, "", 10);
  const std::string line = table.lines(rows)[0];
  REQUIRE(line.find("1.50k") != std::string::npos);
  REQUIRE(line.find("some process\\u000a  12") != std::string::npos);
  table.width = 30;
  const std::string heading = table.heading(rows);
  REQUIRE(std::count_if(heading.begin(), heading.end(), [](char c) { return (c & 0xC0) != 0x80; }) == 30);
}
