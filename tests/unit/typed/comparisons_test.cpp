// Comparisons that have one outcome whatever happens: a warning with its place, and none where both may come.

#include "typed/comparisons.h"

#include <filesystem>

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"
#include "test_paths.h"

namespace tpx::test {
namespace {

kernel::Kernel recorded(std::string_view release) {
  const int minor = release == "5.10" ? 10 : release == "6.1" ? 1 : 12;
  auto kernel = kernel::recorded_kernel(recorded_directory(std::string(release)),
                                        kernel::features_of_release(release == "5.10" ? 5 : 6, minor));
  REQUIRE(kernel.has_value());
  return *kernel;
}

plan::Plan planned(const config::Config& config, const kernel::Kernel& kernel) {
  plan::Options options;
  options.decoders = decode::signatures();
  return plan::make_plan(config, kernel, options);
}

/// The warnings of a counter with this filter; each begins at the column that is asked for, counted from the filter's text.
std::vector<std::string> warnings(const kernel::Kernel& kernel, const std::string& tracepoint,
                                  const std::string& filter) {
  const std::string before = "    filter: '";
  const config::Loaded loaded = config::parse(
      "a.yaml", "metrics:\n  - name: a_total\n    tracepoint: " + tracepoint + "\n" + before + filter + "'\n");
  REQUIRE(loaded.errors.empty());
  const plan::Plan plan = planned(loaded.config, kernel);
  INFO((plan.rejected.empty() ? "" : plan.rejected.front().error.message));
  REQUIRE(plan.metrics.size() == 1);
  std::vector<std::string> texts;
  for (const Error& warning : plan.metrics.front().warnings) {
    REQUIRE(warning.location.has_value());
    CHECK(warning.location->file == "a.yaml");
    CHECK(warning.location->line == 4);
    CHECK(warning.message.starts_with("metric \"a_total\": "));
    texts.push_back(std::to_string(warning.location->column - before.size()) + " " +
                    warning.message.substr(warning.message.find(": ") + 2) +
                    (warning.hint.empty() ? "" : "; " + warning.hint));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("a comparison that can't be true, or false, has a warning with its place") {
  const kernel::Kernel kernel = recorded("6.1");
  const auto of = [&](const std::string& filter, const std::string& tracepoint = "sched/sched_switch") {
    return warnings(kernel, tracepoint, filter);
  };
  CHECK(of("comm == \"sixteen_chars_xx\"") ==
        Texts{"1 \"comm == \"sixteen_chars_xx\"\" is never true: comm has at most 15 characters; compare with "
              "\"sixteen_chars_x\""});
  CHECK(of("cpu == 1 && args.next_comm != \"sixteen_chars_xx\"").size() == 1);
  CHECK(of("cpu == 1 && args.next_comm != \"sixteen_chars_xx\"").front().starts_with("13 "));
  CHECK(of("comm == \"swapper*\"") ==
        Texts{"1 \"comm == \"swapper*\"\" compares with the character *, not with a pattern; compare the beginning: "
              "str(comm, 7) == \"swapper\""});
  CHECK(of("str(comm, 7) == \"swapper/0\"").size() == 1);
  CHECK(of("args.prev_prio == 2147483648").size() == 1);
  CHECK(of("pid == -1") == Texts{"1 \"pid == -1\" is never true: pid is 0 to 4294967295"});
  CHECK(of("pid < 0 || tid >= 0").size() == 2);
  CHECK(of("(args.prev_state & 3) == 4").size() == 1);
  CHECK(of("(cpu == 0) == 2").size() == 1);
  CHECK(of("args.len < 0", "net/netif_receive_skb").size() == 1);
  CHECK(of("args.count < 0", "syscalls/sys_enter_write") ==
        Texts{"1 \"args.count < 0\" is never true: args.count is 0 to 18446744073709551615"});
}

TEST_CASE("a comparison that may go either way has none") {
  const kernel::Kernel kernel = recorded("6.1");
  for (const char* filter :
       {"comm == \"fifteen_chars_x\"", "args.prev_prio < 0", "args.prev_prio >= -1", "args.prev_state == 0", "cpu > 0",
        "(args.prev_state & 6) == 4", "str(comm, 7) == \"swapper\"", "1 == 2", "args.prev_comm == comm", "pid != tid",
        "cgroup == -1"}) {
    INFO(filter);
    CHECK(warnings(kernel, "sched/sched_switch", filter).empty());
  }
  // A register of which another call uses more: possible at one of the tracepoints is possible.
  CHECK(warnings(kernel, "[syscalls/sys_enter_close, syscalls/sys_enter_lseek]", "args.fd == 4294967296").size() == 1);
  CHECK(warnings(kernel, "[syscalls/sys_enter_close, syscalls/sys_enter_write, syscalls/sys_enter_writev]",
                 "args.fd == 4294967296")
            .empty());
}

TEST_CASE("the shipped configurations compare nothing in vain, on every recorded kernel") {
  for (const auto& entry : std::filesystem::directory_iterator(TPX_SOURCE_DIR "/config")) {
    if (entry.path().extension() != ".yaml") {
      continue;
    }
    config::Loaded loaded = config::load({entry.path().string()});
    REQUIRE(loaded.errors.empty());
    for (auto& file : loaded.config.files) {
      file.objects.clear();
    }
    for (const std::string_view release : kRecordedReleases) {
      INFO(release << ": " << entry.path().string());
      const plan::Plan plan = planned(loaded.config, recorded(release));
      for (const plan::PlannedMetric& metric : plan.metrics) {
        CHECK(metric.warnings.empty());
      }
    }
  }
}

}  // namespace
}  // namespace tpx::test
