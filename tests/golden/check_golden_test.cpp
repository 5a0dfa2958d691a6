// What `check` says of a configuration on each recorded kernel, and of bad ones.

#include "catch.h"
#include "golden/support/golden.h"
#include "service/plan_summary.h"
#include "support/fixtures.h"

namespace tpx::test {
namespace {

TEST_CASE("the summary of a plan is as recorded, on every recorded kernel", "[golden]") {
  for (const std::string& name : golden_cases("check")) {
    const std::string yaml = golden_input("check", name);
    std::string text;
    for (const std::string_view release : kRecordedReleases) {
      const config::Loaded loaded = config::parse(name + ".yaml", yaml);
      REQUIRE(loaded.errors.empty());
      const plan::Plan plan = plan::make_plan(loaded.config, golden_kernel(std::string(release)), golden_options());
      text += (text.empty() ? "Linux " : "\nLinux ") + std::string(release) + "\n\n";
      for (const plan::PlannedMetric& metric : plan.metrics) {
        text += service::plan_summary(metric);
      }
      for (const plan::Rejected& rejected : plan.rejected) {
        text += config::render({rejected.error}, loaded.config);
      }
    }
    check_golden("check/" + name + ".txt", text);
  }
}

TEST_CASE("errors are as recorded: all at once, each with its line, a caret and what to do", "[golden]") {
  for (const std::string& name : golden_cases("errors")) {
    const std::string yaml = golden_input("errors", name);
    const config::Loaded loaded = config::parse(name + ".yaml", yaml);
    const plan::Plan plan =
        plan::make_plan(loaded.config, golden_kernel(directive(yaml, "kernel", "6.1")), golden_options());
    Errors errors = loaded.errors;
    for (const plan::Rejected& rejected : plan.rejected) {
      errors.push_back(rejected.error);
    }
    CHECK_FALSE(errors.empty());
    for (const Error& error : errors) {
      INFO(error.message);
      CHECK(error.location.has_value());
    }
    check_golden("errors/" + name + ".txt", config::render(errors, loaded.config));
  }
}

}  // namespace
}  // namespace tpx::test
