// Metrics of one tracepoint share what they do alike: a filter is tested once, a key is built and hashed once. None may
// take another one's key, whatever was jumped over.
#include "catch.h"
#include "kernel/support/calls.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

using Table = std::map<std::string, std::uint64_t>;

constexpr std::uint64_t kFirst = 770'001;  // a label that no other task's call has

/// First arguments 0 to 2, second arguments -1 to 3, in turn.
template <class Count>
Table count_by_first(Count count) {
  Table table;
  for (std::uint64_t i = 0; i < 600; ++i) {
    const std::int64_t second = static_cast<std::int64_t>(i % 5) - 1;
    const std::uint64_t events = count(i % 3, second);
    if (events > 0) {
      table[std::to_string(kFirst + i % 3)] += events;
    }
  }
  return table;
}

void make_calls() {
  for (std::uint64_t i = 0; i < 600; ++i) {
    call(kFirst + i % 3, i % 5 - 1);
  }
}

/// The rows of make_calls() alone.
Table own(const Table& all) {
  Table table;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto found = all.find(std::to_string(kFirst + i));
    if (found != all.end()) {
      table.insert(*found);
    }
  }
  return table;
}

TEST_CASE("metrics with equal labels count each what its own filter takes", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    const std::string labels = "labels: {a: 'args.args[0]'}\nmax_series: 20000";
    const std::string second = own_calls() + " && args.args[1] == 2";
    const std::string third = own_calls() + " && args.args[1] == 3";
    // Out of order: the one without a filter is not the first, and one with other labels stands between two alike.
    Session session(
        "metrics:\n" + calls_metric("second_total", labels, second) +
            calls_metric("other_key_total", "labels: {b: 'args.args[1]'}", second) +
            calls_metric("third_total", labels, third) + calls_metric("second_again_total", labels, second) +
            calls_metric("added_total", labels + "\nvalue: args.id * 0 + if(args.args[1] == 3, 0 - 5, 2)",
                         own_calls()) +
            "  - name: all_total\n    tracepoint: raw_syscalls/sys_enter\n    labels: {a: 'args.args[0]'}\n"
            "    max_series: 20000\n"
            "  - name: all_again_total\n    tracepoint: raw_syscalls/sys_enter\n    labels: {a: 'args.args[0]'}\n"
            "    max_series: 30000\n",
        way);
    make_calls();
    const auto only = [](std::int64_t wanted) {
      return [=](std::uint64_t, std::int64_t value) { return std::uint64_t{value == wanted}; };
    };
    CHECK(own(session.table("second_total")) == count_by_first(only(2)));
    CHECK(own(session.table("second_again_total")) == count_by_first(only(2)));
    CHECK(own(session.table("third_total")) == count_by_first(only(3)));
    CHECK(session.table("other_key_total") == Table{{"2", 120}});
    CHECK(own(session.table("added_total")) ==
          count_by_first([](std::uint64_t, std::int64_t value) { return value == 3 ? 0ULL : 2ULL; }));
    CHECK(session.lost("added_total", schema::LostReason::NegativeValue) == 120);
    CHECK(own(session.table("all_total")) == count_by_first([](std::uint64_t, std::int64_t) { return 1ULL; }));
    CHECK(own(session.table("all_again_total")) == count_by_first([](std::uint64_t, std::int64_t) { return 1ULL; }));
  }
}

TEST_CASE("labels of every width keep apart in one word of the key", "[kernel]") {
  for (const Force& way : all_ways()) {
    INFO(describe(way));
    Session session("metrics:\n" + calls_metric("calls_total",
                                                "labels: {p: pid, s: 'if(args.args[1] == 3, 0 - 1, 1)', t: tid, n: "
                                                "'args.args[1] > 1', c: comm, d: cpu}"),
                    way);
    make_calls();
    Table sums;
    for (const Row& row : session.rows("calls_total")) {
      CHECK(row.labels.at("p") == std::to_string(getpid()));
      CHECK(row.labels.at("t") == std::to_string(gettid()));
      CHECK(row.labels.at("c") == own_comm());
      sums[row.labels.at("s") + "|" + row.labels.at("n")] += row.words.front();
    }
    CHECK(sums == Table{{"1|0", 240}, {"1|1", 240}, {"-1|1", 120}});
  }
}

}  // namespace
}  // namespace tpx::test
