#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>

#include "catch.h"
#include "unit/decode/series.h"

// The part of SeriesTable in series_ends.cpp: rows that end, and series that expire.

namespace tpx::decode {
namespace {

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

}  // namespace
}  // namespace tpx::decode
