#include "kernel/tracefs.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "kernel/confinement.h"
#include "support/fixtures.h"

using tpx::kernel::Tracefs;
using Names = std::vector<std::string>;

namespace {

Tracefs recorded(std::string_view release) {
  auto tracefs = Tracefs::open(tpx::test::recorded_directory(release));
  REQUIRE(tracefs);
  return *tracefs;
}

/// A tree with the same events but without available_events.
class TreeOnly {
 public:
  TreeOnly() {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    std::filesystem::create_directory_symlink(tpx::test::recorded_directory("6.1") + "/events", root_ / "events");
  }
  ~TreeOnly() { std::filesystem::remove_all(root_); }
  TreeOnly(const TreeOnly&) = delete;
  TreeOnly& operator=(const TreeOnly&) = delete;
  [[nodiscard]] std::string path() const { return root_; }

 private:
  std::filesystem::path root_ = std::filesystem::temp_directory_path() / ("tpx_tree_" + std::to_string(::getpid()));
};

}  // namespace

TEST_CASE("events are listed sorted, without ftrace's", "[tracefs][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    const auto events = recorded(release).events();
    REQUIRE(events);
    CHECK(events->size() > 1300);
    CHECK(std::is_sorted(events->begin(), events->end()));
    CHECK(std::binary_search(events->begin(), events->end(), "sched/sched_switch"));
    CHECK(std::none_of(events->begin(), events->end(), [](const auto& e) { return e.starts_with("ftrace/"); }));
  }
}

TEST_CASE("without available_events the tree gives the same list", "[tracefs][recorded]") {
  const TreeOnly tree;
  const auto tracefs = Tracefs::open(tree.path());
  REQUIRE(tracefs);
  const auto walked = tracefs->events();
  const auto listed = recorded("6.1").events();
  REQUIRE(walked);
  REQUIRE(listed);
  CHECK(*walked == *listed);
}

TEST_CASE("names and globs match", "[tracefs][recorded]") {
  const Tracefs tracefs = recorded("6.1");
  CHECK(tracefs.match("sched/sched_switch").value() == Names{"sched/sched_switch"});
  CHECK(tracefs.match("sched:sched_switch").value() == Names{"sched/sched_switch"});
  CHECK(tracefs.match("irq/softirq_*").value() == Names{"irq/softirq_entry", "irq/softirq_exit", "irq/softirq_raise"});
  CHECK(tracefs.match("*/sched_switch").value() == Names{"sched/sched_switch"});
  CHECK(tracefs.match("syscalls/sys_enter_*").value().size() > 300);
}

TEST_CASE("an unknown name says so and offers the nearest", "[tracefs][recorded]") {
  const Tracefs tracefs = recorded("6.1");
  const auto hint = [&](const std::string& name) {
    const auto found = tracefs.match(name);
    REQUIRE_FALSE(found);
    CHECK(found.error().message == "tracepoint " + name + " not found");
    return found.error().hint;
  };
  CHECK(hint("sched/sched_swich").starts_with("did you mean \"sched/sched_switch\""));
  CHECK(hint("shced/sched_switch") == "did you mean \"sched/sched_switch\"?");
  CHECK(hint("irq/sched_switch") == "did you mean \"sched/sched_switch\"?");
  CHECK(hint("sched_switch") == "did you mean \"sched/sched_switch\"?");
  CHECK(hint("sched/qqqqqqqqqq") == "tracepoint_exporter list 'sched/*' shows what sched has");
  CHECK(hint("ftrace/print") == "tracepoint_exporter list shows all of them");
  const auto glob = tracefs.match("nothing/*");
  REQUIRE_FALSE(glob);
  CHECK(glob.error().message == "no tracepoint matches nothing/*");
}

TEST_CASE("formats are read by category and name, and nothing else", "[tracefs][recorded]") {
  const Tracefs tracefs = recorded("6.1");
  const auto format = tracefs.format("sched", "sched_switch");
  REQUIRE(format);
  CHECK(format->full_name() == "sched/sched_switch");
  CHECK(format->find("prev_comm")->is_string);
  for (const char* name : {"..", ".", "", "../sched/sched_switch", "sched_swich"}) {
    const auto missing = tracefs.format("sched", name);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message == std::string("tracepoint sched/") + name + " not found");
  }
}

TEST_CASE("a directory without events is no tracefs", "[tracefs]") {
  const auto none = Tracefs::open("/proc/self");
  REQUIRE_FALSE(none);
  CHECK(none.error().message == "no tracefs at /proc/self: it has no directory events");
  CHECK(none.error().hint == tpx::kernel::advice_for_mount(tpx::kernel::confinement()));
  CHECK(Tracefs::open(tpx::test::recorded_directory("6.1") + "//").value().root() ==
        tpx::test::recorded_directory("6.1"));
}

TEST_CASE("a mounted tracefs is found in /proc/mounts", "[tracefs]") {
  using tpx::kernel::tracefs_in_mounts;
  CHECK(tracefs_in_mounts("proc /proc proc rw 0 0\nnodev /mnt/a\\040b tracefs rw 0 0\n") == "/mnt/a b");
  CHECK_FALSE(tracefs_in_mounts("tracefs /tracefs ext4 rw 0 0\nshort line"));
  CHECK_FALSE(tracefs_in_mounts(""));
}
