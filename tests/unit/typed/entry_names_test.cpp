// Expressions over the rows of a C program's map: what they refuse, they refuse as those over a tracepoint do.

#include "typed/entry_names.h"

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"
#include "typed/bind.h"

namespace tpx::test {
namespace {

kernel::Kernel recorded() {
  auto kernel = kernel::recorded_kernel(recorded_directory("6.1"), kernel::features_of_release(6, 1));
  REQUIRE(kernel.has_value());
  return *kernel;
}

/// A per-CPU map from a struct sched_param to a struct iovec.
typed::EntryTypes vectors(const kernel::Kernel& kernel) {
  return {&*kernel.btf, "vectors", kernel.btf->find_struct("sched_param").value_or(0),
          kernel.btf->find_struct("iovec").value_or(0), true};
}

Result<typed::TypedExprPtr> bind_over_iovec(const kernel::Kernel& kernel, const std::string& text,
                                            typed::Comparisons* comparisons = nullptr) {
  const SourceLocation at{"a.yaml", 7, 11};
  const auto parsed = expression::parse(text, at);
  REQUIRE(parsed.has_value());
  return typed::bind(**parsed, typed::EntryNames(vectors(kernel)), at, comparisons);
}

/// What a tracepoint's metric says of the same operation.
std::string error_of_tracepoint(const kernel::Kernel& kernel, const std::string& operation) {
  const config::Loaded loaded =
      config::parse("a.yaml", "metrics:\n  - {name: a_total, tracepoint: raw_syscalls/sys_exit, value: '" +
                                  ("args.ret " + operation) + "'}\n");
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  const plan::Plan plan = plan::make_plan(loaded.config, kernel, options);
  REQUIRE(plan.rejected.size() == 1);
  const std::string& message = plan.rejected.front().error.message;
  return message.substr(message.find(": ") + 2);
}

TEST_CASE("a division by zero and a shift beyond the width are refused over a map as over a tracepoint") {
  const kernel::Kernel kernel = recorded();
  for (const char* operation : {"/ 0", "% 0", "<< 99", ">> 64", "<< -1", "/ (2 - 2)", "% (1 >> 1)", "<< (60 + 4)"}) {
    INFO(operation);
    const auto bound = bind_over_iovec(kernel, std::string("value.iov_len ") + operation);
    REQUIRE_FALSE(bound.has_value());
    CHECK(bound.error().message == error_of_tracepoint(kernel, operation));
    REQUIRE(bound.error().location.has_value());
    CHECK(bound.error().location->line == 7);
    CHECK(bound.error().location->column > 11 + 13);
  }
  CHECK(bind_over_iovec(kernel, "value.iov_len / 3 << 63").has_value());
}

TEST_CASE("comparisons over a map have the type that they have over a tracepoint") {
  const kernel::Kernel kernel = recorded();
  for (const char* text : {"value.iov_len > 1", "!value.iov_len", "value.iov_len && 1", "\"a\" == \"b\""}) {
    INFO(text);
    const auto bound = bind_over_iovec(kernel, text);
    REQUIRE(bound.has_value());
    CHECK((*bound)->type == schema::kTruth);
  }
}

TEST_CASE("comparisons over a map that can't be true have a warning") {
  const kernel::Kernel kernel = recorded();
  typed::Comparisons comparisons;
  REQUIRE(bind_over_iovec(kernel, "value.iov_len < 0 || key.sched_priority == 2147483648", &comparisons).has_value());
  const Errors warnings = comparisons.warnings();
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].message == "\"value.iov_len < 0\" is never true: value.iov_len is 0 to 18446744073709551615");
  CHECK(warnings[0].location == SourceLocation{"a.yaml", 7, 11});
  CHECK(warnings[1].message ==
        "\"key.sched_priority == 2147483648\" is never true: key.sched_priority is -2147483648 to 2147483647");
}

}  // namespace
}  // namespace tpx::test
