#include "decode/series_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "catch.h"
#include "unit/decode/series.h"

namespace tpx::decode {
namespace {

TEST_CASE("rows become series with rendered labels") {
  Counter c(10);
  const auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {0}}});
  const SeriesView view = c.table.update(snapshot);
  CHECK(view.size() == 2);
  CHECK(shown(view) == Shown{{R"(pid="1")", {5}}, {R"(pid="2")", {0}}});
}

TEST_CASE("a metric without labels is one series without text") {
  const auto plan = make_plan(MetricKind::Counter, {});
  FakeLabels labels;
  labels.texts[0] = {};
  SeriesTable table(plan.key, plan.value, labels);
  auto snapshot = make_snapshot(plan, {{0, {42}}});
  CHECK(shown(table.update(snapshot)) == Shown{{"", {42}}});
  snapshot.other = {1};
  CHECK(shown(table.update(snapshot)) == Shown{{"", {43}}});
}

TEST_CASE("labels are decoded once while id and key stay") {
  Counter c(10);
  auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  snapshot.ids = {3, 0};
  shown(c.table.update(snapshot));
  CHECK(c.labels.calls == 2);
  snapshot.values = {50, 60};
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="1")", {50}}, {R"(pid="2")", {60}}});
  CHECK(c.labels.calls == 2);
}

TEST_CASE("a table goes on with which scrape of another one showed each row first") {
  Counter c(10);
  std::vector<std::uint32_t> numbers(5, 0);
  c.table.remember_in(numbers);
  auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  snapshot.ids = {3, 0};
  Showing showing;
  showing.sequence = 7;
  shown(c.table.update(snapshot, showing));
  CHECK(numbers == std::vector<std::uint32_t>{7, 0, 0, 7, 0});

  Counter next(10);
  next.table.remember_in(numbers);
  auto more = make_snapshot(c.plan, {{1, {5}}, {2, {6}}, {3, {9}}});
  more.ids = {3, 0, 1};
  more.other = {4};
  showing.sequence = 9;
  showing.by_value = 8;
  CHECK(shown(next.table.update(more, showing)) ==
        Shown{{R"(pid="1")", {5}}, {R"(pid="2")", {6}}, {R"(pid="3")", {0}}, {R"(pid="other")", {0}}});
  CHECK(numbers == std::vector<std::uint32_t>{7, 9, 0, 7, 9});
}

TEST_CASE("rows whose ids last are known by them alone, and come back") {
  Counter c(10);
  auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {7}}, {1, {9}}});
  snapshot.ids = {0, 1, 2};  // two entries of one key: programs met at its insertion
  snapshot.ids_last = true;
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="1")", {14}}, {R"(pid="2")", {7}}});
  auto fewer = make_snapshot(c.plan, {{2, {8}}});
  fewer.ids = {1};
  fewer.ids_last = true;
  CHECK(shown(c.table.update(fewer)) == Shown{{R"(pid="2")", {8}}});
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="1")", {14}}, {R"(pid="2")", {7}}});
}

TEST_CASE("rows that change their places, or have no ids, are found again by their keys") {
  Counter c(10);
  const auto first = make_snapshot(c.plan, {{1, {5}}, {2, {6}}, {3, {7}}});
  shown(c.table.update(first));
  const auto second = make_snapshot(c.plan, {{3, {70}}, {4, {8}}, {1, {50}}});
  CHECK(shown(c.table.update(second)) == Shown{{R"(pid="3")", {70}}, {R"(pid="4")", {8}}, {R"(pid="1")", {50}}});
  CHECK(c.labels.calls == 4);
}

TEST_CASE("a row whose key changed under the same id is decoded anew") {
  Counter c(10);
  auto snapshot = make_snapshot(c.plan, {{1, {5}}});
  snapshot.ids = {7};
  shown(c.table.update(snapshot));
  snapshot = make_snapshot(c.plan, {{2, {1}}});
  snapshot.ids = {7};
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="2")", {1}}});
}

TEST_CASE("rows that are gone are dropped, and come back with their new value") {
  Counter c(10);
  const auto both = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  const auto one = make_snapshot(c.plan, {{2, {7}}});
  shown(c.table.update(both));
  CHECK(shown(c.table.update(one)) == Shown{{R"(pid="2")", {7}}});
  CHECK(shown(c.table.update(both)) == Shown{{R"(pid="1")", {5}}, {R"(pid="2")", {6}}});
  const auto none = make_snapshot(c.plan, {});
  CHECK(c.table.update(none).size() == 0);
}

TEST_CASE("label sets that decode alike are summed") {
  Counter c(10);
  c.labels.texts[4] = c.labels.texts[5] = {"x"};
  const auto snapshot = make_snapshot(c.plan, {{4, {1}}, {1, {2}}, {5, {10}}, {4, {100}}});
  const SeriesView view = c.table.update(snapshot);
  CHECK(view.size() == 2);
  CHECK(shown(view) == Shown{{R"(pid="x")", {111}}, {R"(pid="1")", {2}}});

  SECTION("also when the row that was decoded first is gone") {
    const auto rest = make_snapshot(c.plan, {{5, {11}}});
    CHECK(shown(c.table.update(rest)) == Shown{{R"(pid="x")", {11}}});
    CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="x")", {111}}, {R"(pid="1")", {2}}});
  }
}

TEST_CASE("texts that only look alike stay apart") {
  const auto plan = make_plan(MetricKind::Counter, {"a", "b"});
  FakeLabels labels;
  labels.texts[1] = {"x\",b=\"y", ""};
  labels.texts[2] = {"x", "y"};
  SeriesTable table(plan.key, plan.value, labels);
  const auto snapshot = make_snapshot(plan, {{1, {1}}, {2, {2}}});
  CHECK(table.update(snapshot).size() == 2);
}

TEST_CASE("histograms that decode alike add buckets and 128-bit sums") {
  auto plan = make_plan(MetricKind::Histogram, {"device"});
  plan.value.bounds = {10};
  FakeLabels labels;
  labels.texts[1] = labels.texts[2] = {"sda"};
  SeriesTable table(plan.key, plan.value, labels);
  const auto snapshot = make_snapshot(plan, {{1, {1, 2, ~0ULL, 0}}, {2, {3, 4, 1, 0}}});
  CHECK(shown(table.update(snapshot)) == Shown{{R"(device="sda")", {4, 6, 0, 1}}});
}

TEST_CASE("gauges that no event has set are not shown, and lose against those that were") {
  const auto plan = make_plan(MetricKind::Gauge, {"cpu"});
  FakeLabels labels;
  labels.texts = {{1, {"0"}}, {2, {"0"}}, {3, {"1"}}};
  SeriesTable table(plan.key, plan.value, labels);
  const auto snapshot = make_snapshot(plan, {{1, {0, 0}}, {2, {8, 1}}, {3, {9, 0}}});
  CHECK(shown(table.update(snapshot)) == Shown{{R"(cpu="0")", {8, 1}}});
}

TEST_CASE("the series `other` is shown when it counted, under a real one of that name if there is one") {
  const auto plan = make_plan(MetricKind::Counter, {"pid", "comm"});
  FakeLabels labels;
  labels.texts = {{1, {"1", "a"}}, {2, {"other", "other"}}};
  SeriesTable table(plan.key, plan.value, labels);
  auto snapshot = make_snapshot(plan, {{1, {1}}});
  snapshot.other = {0};
  CHECK(table.update(snapshot).size() == 1);
  snapshot.other = {9};
  CHECK(shown(table.update(snapshot)) == Shown{{R"(pid="1",comm="a")", {1}}, {R"(pid="other",comm="other")", {9}}});
  snapshot = make_snapshot(plan, {{2, {3}}});
  snapshot.other = {9};
  CHECK(shown(table.update(snapshot)) == Shown{{R"(pid="other",comm="other")", {12}}});
}

TEST_CASE("a key of zeros is not taken for a series without a key") {
  Counter c(10);
  auto snapshot = make_snapshot(c.plan, {});
  snapshot.other = {9};
  shown(c.table.update(snapshot));
  snapshot = make_snapshot(c.plan, {{0, {1}}});
  snapshot.other = {9};
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="0")", {1}}, {R"(pid="other")", {9}}});
}

TEST_CASE("rows that the decoders leave out are not shown, and asked about once") {
  Counter c(2);
  const auto snapshot = make_snapshot(c.plan, {{1, {5}}, {99, {6}}});
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="1")", {5}}});
  CHECK(shown(c.table.update(snapshot)) == Shown{{R"(pid="1")", {5}}});
  CHECK(c.labels.calls == 2);
}

TEST_CASE("a row whose labels change shows under the new ones what it counts from then on") {
  Counter c(10);
  c.labels.is_stable = false;
  SeriesTable table(c.plan.key, c.plan.value, c.labels);
  table.linger_for(std::chrono::hours(1));
  const auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  shown(table.update(snapshot));
  c.labels.texts[1] = {"renamed"};
  CHECK(shown(table.update(snapshot)) == Shown{{R"(pid="1")", {5}}, {R"(pid="renamed")", {0}}, {R"(pid="2")", {6}}});
  const auto more = make_snapshot(c.plan, {{1, {7}}, {2, {9}}});
  CHECK(shown(table.update(more)) == Shown{{R"(pid="1")", {5}}, {R"(pid="renamed")", {2}}, {R"(pid="2")", {9}}});
  c.labels.texts[2] = {"renamed"};
  const auto most = make_snapshot(c.plan, {{1, {8}}, {2, {10}}});
  CHECK(shown(table.update(most)) == Shown{{R"(pid="1")", {5}}, {R"(pid="renamed")", {4}}, {R"(pid="2")", {9}}});
}

TEST_CASE("labels that may change are asked for once in each generation") {
  Counter c(10);
  c.labels.is_stable = false;
  c.labels.current = 1;
  SeriesTable table(c.plan.key, c.plan.value, c.labels);
  table.linger_for(std::chrono::hours(1));
  const auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  shown(table.update(snapshot));
  const int calls = c.labels.calls;
  CHECK(shown(table.update(snapshot)) == Shown{{R"(pid="1")", {5}}, {R"(pid="2")", {6}}});
  CHECK(c.labels.calls == calls);
  // A row that is new in a generation is decoded all the same.
  const auto more = make_snapshot(c.plan, {{1, {5}}, {2, {6}}, {3, {1}}});
  CHECK(shown(table.update(more)).size() == 3);
  CHECK(c.labels.calls == calls + 1);
  c.labels.texts[1] = {"renamed"};
  c.labels.current = 2;
  CHECK(shown(table.update(more)) ==
        Shown{{R"(pid="1")", {5}}, {R"(pid="renamed")", {0}}, {R"(pid="2")", {6}}, {R"(pid="3")", {1}}});
}

TEST_CASE("series that were exposed after what a scraper has got read 0, every part of a histogram too") {
  Counter c(10);
  const auto one = make_snapshot(c.plan, {{1, {5}}});
  CHECK(shown(c.table.update(one, scrape(1))) == Shown{{R"(pid="1")", {5}}});
  auto two = make_snapshot(c.plan, {{1, {6}}, {2, {7}}});
  two.other = {3};
  CHECK(shown(c.table.update(two, scrape(2, 1))) ==
        Shown{{R"(pid="1")", {6}}, {R"(pid="2")", {0}}, {R"(pid="other")", {0}}});
  CHECK(shown(c.table.update(two, scrape(3, 0))) ==
        Shown{{R"(pid="1")", {0}}, {R"(pid="2")", {0}}, {R"(pid="other")", {0}}});
  CHECK(shown(c.table.update(two, scrape(4, 2))) ==
        Shown{{R"(pid="1")", {6}}, {R"(pid="2")", {7}}, {R"(pid="other")", {3}}});

  auto plan = make_plan(MetricKind::Histogram, {"device"});
  plan.value.bounds = {10};
  FakeLabels labels;
  labels.texts[1] = {"sda"};
  SeriesTable histograms(plan.key, plan.value, labels);
  CHECK(shown(histograms.update(make_snapshot(plan, {{1, {1, 2, 3, 4}}}), scrape(9, 8))) ==
        Shown{{R"(device="sda")", {0, 0, 0, 0}}});
}

TEST_CASE("gauges never read 0 for being new") {
  const auto plan = make_plan(MetricKind::Gauge, {"cpu"});
  FakeLabels labels;
  labels.texts = {{1, {"0"}}};
  SeriesTable table(plan.key, plan.value, labels);
  CHECK(shown(table.update(make_snapshot(plan, {{1, {8, 1}}}), scrape(2, 1))) == Shown{{R"(cpu="0")", {8, 1}}});
}

TEST_CASE("turnover of a hundred times the series keeps sums right and memory bounded") {
  Counter c(0);
  constexpr std::uint64_t kRows = 2000;
  std::size_t most = 0;
  for (std::uint64_t round = 0; round < 100; ++round) {
    std::vector<std::pair<std::uint64_t, Words>> rows;
    Shown expected;
    c.labels.texts.clear();
    for (std::uint64_t i = 0; i < kRows; ++i) {
      const std::uint64_t key = round * kRows / 2 + i;  // half of them are new
      // Every tenth shares its labels with its neighbour.
      const std::string text = std::to_string(key % 10 == 1 ? key - 1 : key);
      c.labels.texts[key] = {text};
      rows.push_back({key, {i + 1}});
      auto [at, fresh] = expected.emplace("pid=\"" + text + "\"", Words{0});
      at->second[0] += i + 1;
    }
    const auto snapshot = make_snapshot(c.plan, rows);
    REQUIRE(shown(c.table.update(snapshot)) == expected);
    most = std::max(most, c.table.bytes());
  }
  CHECK(c.labels.calls == 2000 + 99 * 1000);
  CHECK(most < kRows * 250);
}

TEST_CASE("following a row until it vanishes costs at most 16 bytes a row") {
  constexpr std::uint64_t kRows = 5'000;
  Counter c(kRows);
  std::vector<std::pair<std::uint64_t, Words>> rows;
  for (std::uint64_t key = 0; key < kRows; ++key) {
    rows.push_back({key, {key}});
  }
  const auto snapshot = make_snapshot(c.plan, rows);
  SeriesTable followed(c.plan.key, c.plan.value, c.labels, SeriesTable::Vanished::Ended);
  SeriesTable forgotten(c.plan.key, c.plan.value, c.labels);
  for (std::uint32_t round = 1; round <= 3; ++round) {
    shown(followed.update(snapshot, scrape(round)));
    shown(forgotten.update(snapshot, scrape(round)));
  }
  CHECK(followed.bytes() <= forgotten.bytes() + 16 * kRows);
}

TEST_CASE("a visitor that has enough is not called again") {
  Counter c(10);
  const auto snapshot = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  int calls = 0;
  c.table.update(snapshot).for_each([&](std::string_view, std::span<const std::uint64_t>) {
    ++calls;
    return false;
  });
  CHECK(calls == 1);
}

}  // namespace
}  // namespace tpx::decode
