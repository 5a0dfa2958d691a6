#include "kernel/support/both_types.h"

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

}  // namespace

void compare(const std::string& event, const std::string& fields, const std::string& filter,
             const std::function<void()>& work, std::uint64_t at_least) {
  INFO(event);
  const std::string yaml = "metrics:\n  - name: events_total\n    tracepoint: " + event + "\n    filter: '" + filter +
                           "'\n    max_series: 20000\n    labels: {" + fields + "}\n";
  Session by_arguments(yaml, {plan::AttachType::TpBtf, std::nullopt});
  Session by_record(yaml, {plan::AttachType::Classic, std::nullopt});
  work();
  CHECK(text(by_arguments.table("events_total")) == text(by_record.table("events_total")));
  CHECK(by_arguments.sum("events_total") >= at_least);
}

}  // namespace tpx::test
