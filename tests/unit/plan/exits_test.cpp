#include "plan/exits.h"

#include "catch.h"
#include "support/fixtures.h"

namespace tpx::plan {
namespace {

kernel::Kernel recorded(std::string_view release) {
  return kernel::recorded_kernel(test::recorded_directory(release), kernel::features_of_release(6, 1)).value();
}

TEST_CASE("the end of a task is learnt from its exit and from its being freed") {
  for (const std::string_view release : test::kRecordedReleases) {
    INFO(release);
    const kernel::Kernel kernel = recorded(release);
    const auto typed = plan_exits(kernel, {});
    REQUIRE(typed);
    CHECK(typed->exit.type == AttachType::TpBtf);
    CHECK(typed->exit.event == "sched_process_exit");
    CHECK(typed->free.type == AttachType::TpBtf);
    CHECK(typed->free.event == "sched_process_free");
    CHECK(typed->exit.id != typed->free.id);
    CHECK(typed->thread_offset + 4 == typed->process_offset);  // pid, then tgid
    CHECK(typed->signal_offset > typed->process_offset);
    CHECK(typed->live_offset == 4);  // after sigcnt

    const auto classic = plan_exits(kernel, AttachType::Classic);
    REQUIRE(classic);
    CHECK(classic->exit.text() == "tracepoint sched/sched_process_exit");
    CHECK(classic->free.text() == "tracepoint sched/sched_process_free");
    CHECK(classic->exit_thread_offset == 24);  // after 8 common bytes and 16 of comm
    CHECK(classic->free_thread_offset == 24);
  }
}

TEST_CASE("without BTF ends are learnt from classic tracepoints") {
  kernel::Kernel kernel = recorded("6.1");
  kernel.btf.reset();
  const auto plan = plan_exits(kernel, {});
  REQUIRE(plan);
  CHECK(plan->exit.type == AttachType::Classic);
}

}  // namespace
}  // namespace tpx::plan
