// Where tp_btf programs miss events of preempted tasks (Linux 7.0): what is attached how.

#include "catch.h"
#include "config/config.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/fixtures.h"

namespace tpx::test {
namespace {

plan::Plan planned(const std::string& source, const kernel::Features& features) {
  const auto kernel = kernel::recorded_kernel(recorded_directory("6.12-rt"), features);
  REQUIRE(kernel.has_value());
  const config::Loaded loaded =
      config::parse("a.yaml", "namespace: \"\"\nmetrics:\n  - {name: a_total, " + source + "}\n");
  REQUIRE(loaded.errors.empty());
  plan::Options options;
  options.decoders = decode::signatures();
  plan::Plan plan = plan::make_plan(loaded.config, *kernel, options);
  REQUIRE(plan.rejected.empty());
  REQUIRE(plan.metrics.size() == 1);
  return plan;
}

std::string attached(const std::string& source, const kernel::Features& features) {
  const plan::Plan plan = planned(source, features);
  std::string text;
  for (const plan::ProgramPlan& program : plan.programs) {
    text += (text.empty() ? "" : ", ") + program.point.text();
  }
  return text;
}

kernel::Features preemptible(bool realtime = false) {
  kernel::Features features = kernel::features_of_release(6, 12);
  REQUIRE(features.tp_btf_exact);
  features.tp_btf_exact = false;
  features.realtime = realtime;
  return features;
}

TEST_CASE("from Linux 7.0 tp_btf programs are expected to miss events") {
  CHECK(kernel::features_of_release(6, 19).tp_btf_exact);
  CHECK_FALSE(kernel::features_of_release(7, 0).tp_btf_exact);
}

TEST_CASE("events of tasks attach the classic way where tp_btf programs are preempted") {
  const std::string fork = "tracepoint: sched/sched_process_fork, labels: {comm: args.parent_comm}";
  CHECK(attached(fork, kernel::features_of_release(6, 12)) == "tp_btf sched_process_fork");
  CHECK(attached(fork, preemptible()) == "tracepoint sched/sched_process_fork");
  CHECK(attached("tracepoint: raw_syscalls/sys_enter, labels: {id: args.id}", preemptible()) ==
        "tracepoint raw_syscalls/sys_enter");
}

TEST_CASE("system calls attach to raw_syscalls where tp_btf programs are preempted") {
  for (const char* source :
       {"tracepoint: syscalls/sys_enter_openat, labels: {mode: args.mode, file: str(args.filename)}",
        "tracepoint: [syscalls/sys_enter_read, syscalls/sys_enter_write], labels: {fd: args.fd}"}) {
    const plan::Plan plan = planned(source, preemptible());
    REQUIRE(plan.programs.size() == 1);
    CHECK(plan.programs[0].point.text() == "tracepoint raw_syscalls/sys_enter");
    CHECK(plan.programs[0].units[0].dispatch.has_value());
    CHECK(plan.metrics[0].attach == plan::AttachType::Classic);
    CHECK(plan.metrics[0].attach_reason.find("preempted") != std::string::npos);
  }
  CHECK(attached("tracepoint: syscalls/sys_exit_read, filter: args.ret < 0", preemptible()) ==
        "tracepoint raw_syscalls/sys_exit");
  // What only the event's own record has is read there.
  CHECK(attached("tracepoint: syscalls/sys_enter_read, labels: {nr: args.__syscall_nr}", preemptible()) ==
        "tracepoint syscalls/sys_enter_read");
}

TEST_CASE("what fires with preemption off stays with tp_btf, of PREEMPT_RT only what still does") {
  for (const bool realtime : {false, true}) {
    CHECK(attached("tracepoint: sched/sched_switch", preemptible(realtime)) == "tp_btf sched_switch");
    CHECK(attached("tracepoint: sched/sched_waking", preemptible(realtime)) == "tp_btf sched_waking");
  }
  CHECK(attached("tracepoint: irq/softirq_entry", preemptible()) == "tp_btf softirq_entry");
  CHECK(attached("tracepoint: irq/softirq_entry", preemptible(true)) == "tracepoint irq/softirq_entry");
}

TEST_CASE("where nothing is exact it is said") {
  for (const char* source : {"tracepoint: sched/sched_process_fork", "tracepoint: syscalls/sys_enter_read"}) {
    kernel::Features features = preemptible();
    features.classic_tracepoint = false;
    const plan::Plan plan = planned(source, features);
    CHECK(plan.metrics[0].attach == plan::AttachType::TpBtf);
    CHECK(plan.metrics[0].attach_reason.find("counts them as lost") != std::string::npos);
  }
  CHECK(planned("raw_tracepoint: sched_process_fork", preemptible())
            .metrics[0]
            .attach_reason.find("counts them as lost") != std::string::npos);
  CHECK(planned("raw_tracepoint: sched_switch", preemptible()).metrics[0].attach_reason.find("counts them as lost") ==
        std::string::npos);
}

}  // namespace
}  // namespace tpx::test
