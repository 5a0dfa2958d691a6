#include "kernel/support/both_types.h"

#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

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

std::uint64_t monotonic_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

/// False when attaching took longer than `lead` nanoseconds: nothing is checked then.
bool compared_for_a_while(const std::string& event, const std::string& fields, std::uint64_t at_least,
                          std::uint64_t lead) {
  const std::uint64_t begin = monotonic_nanoseconds() + lead;
  const std::uint64_t end = begin + 200'000'000;
  const std::string yaml = "metrics:\n  - name: events_total\n    tracepoint: " + event +
                           "\n    filter: nsecs >= " + std::to_string(begin) + " && nsecs < " + std::to_string(end) +
                           "\n    max_series: 20000\n    labels: {" + fields + "}\n";
  Session by_arguments(yaml, {plan::AttachType::TpBtf, std::nullopt});
  Session by_record(yaml, {plan::AttachType::Classic, std::nullopt});
  if (monotonic_nanoseconds() >= begin) {
    return false;
  }
  while (monotonic_nanoseconds() <= end) {
    usleep(10'000);
  }
  const auto arguments = by_arguments.table("events_total");
  const auto record = by_record.table("events_total");
  std::size_t unknown = 0;
  for (const auto& [labels, count] : record) {
    unknown += arguments.contains(labels) ? 0 : 1;
  }
  CHECK(unknown <= 1);
  CHECK(by_arguments.sum("events_total") >= at_least);
  const auto difference = static_cast<std::int64_t>(by_arguments.sum("events_total") - by_record.sum("events_total"));
  CHECK(std::abs(difference) <= 4 + static_cast<std::int64_t>(by_record.recursion_misses()));
  return true;
}

}  // namespace

std::map<std::string, std::uint64_t> compare(const std::string& event, const std::string& fields,
                                             const std::string& filter, const std::function<void()>& work,
                                             std::uint64_t at_least) {
  INFO(event);
  const std::string yaml = "metrics:\n  - name: events_total\n    tracepoint: " + event + "\n    filter: '" + filter +
                           "'\n    max_series: 20000\n    labels: {" + fields + "}\n";
  Session by_arguments(yaml, {plan::AttachType::TpBtf, std::nullopt});
  Session by_record(yaml, {plan::AttachType::Classic, std::nullopt});
  work();
  const std::uint64_t counted = by_arguments.sum("events_total");
  const std::uint64_t missed = by_record.recursion_misses();
  if (missed == 0) {
    CHECK(text(by_arguments.table("events_total")) == text(by_record.table("events_total")));
  } else {  // by events that interrupted its program; not all of them were of interest
    CHECK(by_record.sum("events_total") <= counted);
    CHECK(by_record.sum("events_total") + missed >= counted);
  }
  CHECK(counted >= at_least);
  return by_arguments.table("events_total");
}

void compare_for_a_while(const std::string& event, const std::string& fields, std::uint64_t at_least) {
  INFO(event);
  std::uint64_t lead = 500'000'000;
  while (!compared_for_a_while(event, fields, at_least, lead)) {
    lead *= 2;
    REQUIRE(lead < 64'000'000'000);
  }
}

}  // namespace tpx::test
