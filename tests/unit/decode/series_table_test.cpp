#include "decode/series_table.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>

#include "catch.h"
#include "support/fake_series.h"

namespace tpx::decode {
namespace {

using schema::MetricKind;
using test::FakeLabels;
using test::make_plan;
using test::make_snapshot;
using Words = std::vector<std::uint64_t>;
using Shown = std::map<std::string, Words>;

Shown shown(const SeriesView& view) {
  Shown result;
  view.for_each([&](std::string_view labels, std::span<const std::uint64_t> value) {
    const bool fresh = result.emplace(labels, Words(value.begin(), value.end())).second;
    CHECK(fresh);  // never the same labels twice
    return true;
  });
  return result;
}

/// A counter by pid whose keys decode to their own number, as far as `known`.
struct Counter {
  explicit Counter(std::uint64_t known) {
    for (std::uint64_t key = 0; key < known; ++key) {
      labels.texts[key] = {std::to_string(key)};
    }
  }
  schema::MetricSchema plan = make_plan(MetricKind::Counter, {"pid"});
  FakeLabels labels;
  SeriesTable table{plan.key, plan.value, labels};
};

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

Showing scrape(std::uint32_t sequence, std::uint32_t by_value = Showing::kAll) {
  Showing showing;
  showing.sequence = sequence;
  showing.by_value = by_value;
  showing.seen_by_all = showing.values_seen_by_all = sequence - 1;
  showing.seen_by_any = showing.values_seen_by_any = sequence - 1;
  showing.now = Showing{}.now + std::chrono::seconds(sequence);
  return showing;
}

template <class Number>
std::span<const std::byte> key_of(const Number& number) {
  return std::as_bytes(std::span(&number, 1));
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

TEST_CASE("what a row counted that was never exposed is the caller's") {
  Counter c(10);
  const auto none = make_snapshot(c.plan, {});
  shown(c.table.update(none, scrape(1)));
  CHECK_FALSE(c.table.end_row(key_of(std::uint64_t{1}), Words{5}, none));
  CHECK(shown(c.table.update(none, scrape(2))).empty());
}

TEST_CASE("an ended series keeps its last value until all have seen it and its time is over") {
  for (const bool tracked : {false, true}) {
    Counter c(10);
    SeriesTable table(c.plan.key, c.plan.value, c.labels,
                      tracked ? SeriesTable::Vanished::Ended : SeriesTable::Vanished::Forgotten);
    table.linger_for(std::chrono::seconds(5));
    const auto one = make_snapshot(c.plan, {{1, {5}}});
    const auto none = make_snapshot(c.plan, {});
    shown(table.update(one, scrape(1)));
    if (!tracked) {
      CHECK(table.end_row(key_of(std::uint64_t{1}), Words{9}, one));
    }
    const std::uint64_t last = tracked ? 5 : 9;
    for (std::uint32_t sequence = 2; sequence < 7; ++sequence) {
      CHECK(shown(table.update(none, scrape(sequence))) == Shown{{R"(pid="1")", {last}}});
    }
    SECTION("then it goes and is nowhere") {
      CHECK(shown(table.update(none, scrape(7))).empty());
      CHECK(table.unshown()[0] == 0);
    }
    SECTION("not before a slow one has seen the last value") {
      auto slow = scrape(7);
      slow.seen_by_all = 1;
      CHECK(shown(table.update(none, slow)) == Shown{{R"(pid="1")", {last}}});
      slow.seen_by_all = 2;
      CHECK(shown(table.update(none, slow)).empty());
    }
    SECTION("not while somebody was shown 0 only") {
      auto slow = scrape(7);
      slow.values_seen_by_all = 0;
      CHECK(shown(table.update(none, slow)) == Shown{{R"(pid="1")", {last}}});
    }
    SECTION("a row that comes back goes on from there") {
      const auto back = make_snapshot(c.plan, {{1, {2}}});
      CHECK(shown(table.update(back, scrape(7))) == Shown{{R"(pid="1")", {last + 2}}});
    }
  }
}

TEST_CASE("a series that has to go early leaves what nobody was shown in `exited`, or in `other`") {
  for (const bool retired : {true, false}) {
    Counter c(10);
    c.table.limit_retired(1);
    c.table.linger_for(std::chrono::hours(1));
    if (retired) {
      c.table.retire_label(0);
    }
    const std::string where = retired ? R"(pid="exited")" : R"(pid="other")";
    const auto rows = make_snapshot(c.plan, {{1, {5}}, {2, {6}}, {3, {7}}});
    const auto none = make_snapshot(c.plan, {});
    shown(c.table.update(rows, scrape(1)));
    shown(c.table.update(rows, scrape(2)));
    CHECK(c.table.end_row(key_of(std::uint64_t{1}), Words{8}, rows));  // 3 more than were shown
    const auto two = make_snapshot(c.plan, {{2, {6}}, {3, {7}}});
    CHECK(shown(c.table.update(two, scrape(3))) ==
          Shown{{R"(pid="1")", {8}}, {R"(pid="2")", {6}}, {R"(pid="3")", {7}}});
    CHECK(c.table.end_row(key_of(std::uint64_t{2}), Words{10}, two));
    CHECK(c.table.end_row(key_of(std::uint64_t{3}), Words{12}, two));
    // One may stay: the first, which all have seen, goes without a trace, then the next, of which 4 were not shown.
    CHECK(shown(c.table.update(none, scrape(4))) == Shown{{R"(pid="3")", {12}}, {where, {4}}});
    CHECK(c.table.unshown()[0] == 4);
    CHECK(c.table.ended()[0] == 30);
  }
}

TEST_CASE("rows are held back until they are old enough, and those that end before make no series") {
  Counter c(10);
  c.table.hold_back(std::chrono::seconds(3));
  const auto two = make_snapshot(c.plan, {{1, {5}}, {2, {6}}});
  for (std::uint32_t sequence = 1; sequence < 4; ++sequence) {
    CHECK(shown(c.table.update(two, scrape(sequence))).empty());
  }
  CHECK_FALSE(c.table.end_row(key_of(std::uint64_t{2}), Words{6}, two));
  const auto one = make_snapshot(c.plan, {{1, {5}}});
  CHECK(shown(c.table.update(one, scrape(4))) == Shown{{R"(pid="1")", {5}}});
}

TEST_CASE("a row whose process is over makes no series, but one that was exposed goes on") {
  Counter c(10);
  std::set<std::uint64_t> over;
  c.table.leave_out([&](std::span<const std::byte> key) {
    std::uint64_t id = 0;
    std::memcpy(&id, key.data(), sizeof id);
    return over.contains(id);
  });
  shown(c.table.update(make_snapshot(c.plan, {{1, {5}}}), scrape(1)));
  over = {1, 2};
  const auto two = make_snapshot(c.plan, {{1, {6}}, {2, {7}}});
  CHECK(shown(c.table.update(two, scrape(2))) == Shown{{R"(pid="1")", {6}}});
  CHECK_FALSE(c.table.end_row(key_of(std::uint64_t{2}), Words{7}, two));
  CHECK(c.table.end_row(key_of(std::uint64_t{1}), Words{6}, two));
}

TEST_CASE("an element that was deleted and made again between two snapshots goes on") {
  Counter c(10);
  SeriesTable table(c.plan.key, c.plan.value, c.labels, SeriesTable::Vanished::Ended);
  shown(table.update(make_snapshot(c.plan, {{1, {5}}}), scrape(1)));
  CHECK(shown(table.update(make_snapshot(c.plan, {{1, {2}}}), scrape(2))) == Shown{{R"(pid="1")", {7}}});
  CHECK(shown(table.update(make_snapshot(c.plan, {{1, {4}}}), scrape(3))) == Shown{{R"(pid="1")", {9}}});
}

TEST_CASE("what retired series counted stays for ever, added up by labels") {
  for (const bool stable : {true, false}) {
    Counter c(10);
    c.labels.is_stable = stable;
    SeriesTable table(c.plan.key, c.plan.value, c.labels);
    c.labels.texts[5] = {"exited"};
    const std::vector<std::string> exited = {"exited"};
    table.add_retired(exited, Words{10});
    const auto one = make_snapshot(c.plan, {{1, {1}}});
    CHECK(shown(table.update(one, scrape(1))) == Shown{{R"(pid="1")", {1}}, {R"(pid="exited")", {10}}});
    table.add_retired(exited, Words{20});
    CHECK(table.retired_series() == 1);
    const auto none = make_snapshot(c.plan, {});
    shown(table.update(none, scrape(2)));
    CHECK(shown(table.update(none, scrape(3))) == Shown{{R"(pid="exited")", {30}}});
    const auto real = make_snapshot(c.plan, {{5, {2}}});
    CHECK(shown(table.update(real, scrape(4))) == Shown{{R"(pid="exited")", {32}}});
    CHECK(shown(table.update(real, scrape(5))) == Shown{{R"(pid="exited")", {32}}});
  }
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

/// Rows of a C program's map, in a model that shares nothing with the table: rows vanish, come back, share labels and change
/// them. Each label text has to show the sum of what was counted while a row had it.
TEST_CASE("rows that vanish, share labels and change them add up, over compactions") {
  Counter c(0);
  c.labels.is_stable = false;
  SeriesTable table(c.plan.key, c.plan.value, c.labels, SeriesTable::Vanished::Ended);
  table.linger_for(std::chrono::hours(1000));
  std::minstd_rand random(7);
  std::map<std::uint64_t, std::uint64_t> rows;  // key → value
  std::map<std::uint64_t, std::string> text_of;
  std::map<std::string, std::uint64_t> expected;
  for (std::uint32_t round = 1; round <= 60; ++round) {
    for (std::uint64_t key = 0; key < 400; ++key) {
      if (random() % 7 == 0) {  // absent in this round, so that its end can be seen
        rows.erase(key);
        continue;
      }
      if (random() % 5 == 0 || !text_of.contains(key)) {
        text_of[key] = std::to_string(random() % 300);
        c.labels.texts[key] = {text_of[key]};
      }
      if (const std::uint64_t events = random() % 4; events > 0) {
        // Labels are asked for in the scrape: what happens before it counts under the new ones.
        rows[key] += events;
        expected[text_of[key]] += events;
      }
    }
    std::vector<std::pair<std::uint64_t, Words>> snapshot;
    for (const auto& [key, value] : rows) {
      snapshot.push_back({key, {value}});
    }
    std::shuffle(snapshot.begin(), snapshot.end(), random);
    Shown sums = shown(table.update(make_snapshot(c.plan, snapshot), scrape(round)));
    std::erase_if(sums, [](const auto& series) { return series.second[0] == 0; });
    Shown right;
    for (const auto& [text, sum] : expected) {
      right["pid=\"" + text + "\""] = {sum};
    }
    REQUIRE(sums == right);
  }
}

TEST_CASE("following a row until it vanishes costs at most 16 bytes a row") {
  constexpr std::uint64_t kRows = 50'000;
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
