#include "kernel/support/both_types.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <utility>

#include "catch.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

std::string text(const std::map<std::string, std::uint64_t>& rows) {
  std::string text;
  for (const auto& [labels, count] : rows) {
    text += labels + " " + std::to_string(count) + "\n";
  }
  return text;
}

/// Of the label sets of the records, those that the arguments did not give.
std::size_t unknown_to(const std::map<std::string, std::uint64_t>& arguments,
                       const std::map<std::string, std::uint64_t>& record) {
  return static_cast<std::size_t>(
      std::count_if(record.begin(), record.end(), [&](const auto& row) { return !arguments.contains(row.first); }));
}

using Table = std::map<std::string, std::uint64_t>;

std::uint64_t sum_of(const Table& table) {
  return std::accumulate(table.begin(), table.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& row) { return sum + row.second; });
}

/// Both tables of one moment: what did the work may still be going to sleep, and interrupts meet it there. The records are read
/// between two readings of the arguments that agree.
std::pair<Table, Table> tables_at_rest(Session& by_arguments, Session& by_record, const std::string& name) {
  Table before = by_arguments.table(name);
  for (;;) {
    Table record = by_record.table(name);
    Table after = by_arguments.table(name);
    if (before == after) {
      return {std::move(after), std::move(record)};
    }
    before = std::move(after);
  }
}

std::uint64_t monotonic_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

std::string name_of(std::size_t event) {
  return "events" + std::to_string(event) + "_total";
}

std::string yaml_of(const std::vector<Compared>& events) {
  std::string yaml = "metrics:\n";
  for (std::size_t i = 0; i < events.size(); ++i) {
    yaml += "  - name: " + name_of(i) + "\n    tracepoint: " + events[i].event + "\n    filter: '" + events[i].filter +
            "'\n    max_series: 20000\n    labels: {" + events[i].fields + "}\n";
  }
  return yaml;
}

/// False when attaching took longer than `lead` nanoseconds: nothing is checked then.
bool compared_for_a_while(std::vector<Compared> events, const std::function<void()>& work, std::uint64_t lead) {
  const std::uint64_t begin = monotonic_nanoseconds() + lead;
  const std::uint64_t end = begin + 200'000'000;
  for (Compared& event : events) {
    event.filter = "nsecs >= " + std::to_string(begin) + " && nsecs < " + std::to_string(end);
  }
  const std::string yaml = yaml_of(events);
  Session by_arguments(yaml, {plan::AttachType::TpBtf, std::nullopt});
  Session by_record(yaml, {plan::AttachType::Classic, std::nullopt});
  if (monotonic_nanoseconds() >= begin) {
    return false;
  }
  while (monotonic_nanoseconds() <= end) {
    usleep(10'000);
    work();
  }
  const std::uint64_t missed = by_record.recursion_misses();
  for (std::size_t i = 0; i < events.size(); ++i) {
    INFO(events[i].event);
    const auto record = by_record.table(name_of(i));
    INFO("by the records:\n" << text(record) << "by the arguments:\n" << text(by_arguments.table(name_of(i))));
    CHECK(unknown_to(by_arguments.table(name_of(i)), record) <= 1);
    CHECK(by_arguments.sum(name_of(i)) >= events[i].at_least);
    const auto difference = static_cast<std::int64_t>(by_arguments.sum(name_of(i)) - by_record.sum(name_of(i)));
    CHECK(std::abs(difference) <= 4 + static_cast<std::int64_t>(missed));
  }
  return true;
}

}  // namespace

std::map<std::string, std::uint64_t> compare(const std::vector<Compared>& events, const std::function<void()>& work) {
  const std::string yaml = yaml_of(events);
  Session by_arguments(yaml, {plan::AttachType::TpBtf, std::nullopt});
  Session by_record(yaml, {plan::AttachType::Classic, std::nullopt});
  work();
  for (std::size_t i = 0; i < events.size(); ++i) {
    INFO(events[i].event);
    const std::string name = name_of(i);
    const auto [arguments, record] = tables_at_rest(by_arguments, by_record, name);
    const std::uint64_t counted = sum_of(arguments);
    const std::uint64_t missed = by_record.recursion_misses();
    const std::uint64_t missed_by_arguments = by_arguments.recursion_misses();
    if (missed == 0 && missed_by_arguments == 0) {
      CHECK(text(arguments) == text(record));
    } else {  // by events that interrupted its program; not all of them were of interest
      CHECK(sum_of(record) <= counted + missed_by_arguments);
      CHECK(sum_of(record) + missed >= counted);
      CHECK(unknown_to(arguments, record) <= missed_by_arguments);
    }
    CHECK(counted >= events[i].at_least);
  }
  return by_arguments.table(name_of(0));
}

std::map<std::string, std::uint64_t> compare(const std::string& event, const std::string& fields,
                                             const std::string& filter, const std::function<void()>& work,
                                             std::uint64_t at_least) {
  return compare({{event, fields, filter, at_least}}, work);
}

void compare_for_a_while(const std::vector<Compared>& events, const std::function<void()>& work) {
  std::uint64_t lead = 500'000'000;
  while (!compared_for_a_while(events, work, lead)) {
    lead *= 2;
    REQUIRE(lead < 64'000'000'000);
  }
}

void compare_for_a_while(const std::string& event, const std::string& fields, std::uint64_t at_least) {
  compare_for_a_while({{event, fields, {}, at_least}}, [] {});
}

}  // namespace tpx::test
