#include "plan/event_plan.h"

#include "catch.h"
#include "codegen/events.h"
#include "decode/decoder.h"
#include "support/fixtures.h"

using namespace tpx;

namespace {

kernel::Kernel recorded() {
  return kernel::recorded_kernel(test::recorded_directory("6.1"), kernel::features_of_release(6, 1)).value();
}

Result<plan::EventPlan> plan_of(const plan::EventRequest& request, const kernel::Kernel& kernel) {
  plan::Options options;
  options.decoders = decode::signatures();
  return plan::plan_events(request, kernel, options);
}

}  // namespace

TEST_CASE("events are had from raw arguments where all fields are there") {
  const kernel::Kernel kernel = recorded();
  const auto plan = plan_of({"sched/sched_switch", std::nullopt, {}}, kernel);
  REQUIRE(plan.has_value());
  REQUIRE(plan->point.type == plan::AttachType::TpBtf);
  REQUIRE(plan->columns.size() == plan->format->fields.size());
  REQUIRE(plan->record_bytes % 8 == 0);
  for (const plan::EventColumn& column : plan->columns) {
    REQUIRE(column.offset >= plan::EventPlan::kHeaderBytes);
    REQUIRE(column.offset + column.type.size <= plan->record_bytes);
  }
}

TEST_CASE("a system call's pointer to text is followed, its number is left to the dispatch") {
  const kernel::Kernel kernel = recorded();
  const auto plan = plan_of({"syscalls/sys_enter_openat", std::nullopt, {}}, kernel);
  REQUIRE(plan.has_value());
  REQUIRE(plan->dispatch.has_value());
  REQUIRE(plan->columns[0].name == "dfd");
  REQUIRE(plan->columns[1].name == "filename");
  REQUIRE(plan->columns[1].dereferenced);
  REQUIRE(plan->columns[1].type.kind == schema::ValueType::Kind::String);
}

TEST_CASE("fields may be chosen, also expressions over them") {
  const kernel::Kernel kernel = recorded();
  const auto plan = plan_of({"sched/sched_switch", std::nullopt, {"next_pid", "args.prev_prio + 1", "uid"}}, kernel);
  REQUIRE(plan.has_value());
  REQUIRE(plan->columns.size() == 3);
  const auto wrong = plan_of({"sched/sched_switch", std::nullopt, {"next_pit"}}, kernel);
  REQUIRE(!wrong.has_value());
  REQUIRE(wrong.error().hint == "did you mean \"next_pid\"?");
}

TEST_CASE("a field may have decoders and a name to show, and a key is the first column") {
  const kernel::Kernel kernel = recorded();
  plan::EventRequest request{"raw_syscalls/sys_enter", std::nullopt, {"syscall(args.id)", "args.id * 2"}};
  request.names = {"syscall(id)", "id * 2"};
  request.key = "tid";
  const auto plan = plan_of(request, kernel);
  REQUIRE(plan.has_value());
  REQUIRE(plan->columns.size() == 3);
  REQUIRE(plan->columns[0].name == "key");
  REQUIRE(plan->columns[1].name == "syscall(id)");
  REQUIRE(plan->columns[1].decoders.size() == 1);
  REQUIRE(plan->columns[2].name == "id * 2");
  REQUIRE(plan->columns[2].decoders.empty());
  request.fields = {"args.id", "syscal(args.id)"};
  const auto wrong = plan_of(request, kernel);
  REQUIRE(!wrong.has_value());
  REQUIRE(wrong.error().location == SourceLocation{"--fields", 2, 1});
}

TEST_CASE("a filter is a condition over the tracepoint's fields") {
  const kernel::Kernel kernel = recorded();
  REQUIRE(plan_of({"sched/sched_switch", "args.next_pid == 1 && comm != \"sh\"", {}}, kernel).has_value());
  REQUIRE(!plan_of({"sched/sched_switch", "args.next_comm", {}}, kernel).has_value());
  REQUIRE(!plan_of({"sched/sched_switch", "args.next_pid ==", {}}, kernel).has_value());
}

TEST_CASE("a tracepoint that is not there is an error with the nearest names") {
  const kernel::Kernel kernel = recorded();
  const auto plan = plan_of({"sched/sched_swich", std::nullopt, {}}, kernel);
  REQUIRE(!plan.has_value());
  REQUIRE(plan.error().message == "tracepoint sched/sched_swich not found");
  REQUIRE(plan.error().hint.find("sched/sched_switch") != std::string::npos);
}

TEST_CASE("every recorded tracepoint can be shown, and its program encodes") {
  const kernel::Kernel kernel = recorded();
  const auto events = kernel.tracefs.events();
  REQUIRE(events.has_value());
  for (const std::string& event : *events) {
    INFO(event);
    const auto plan = plan_of({event, std::nullopt, {}}, kernel);
    REQUIRE(plan.has_value());
    const auto code = codegen::generate_events(*plan, kernel.features);
    REQUIRE(code.has_value());
    REQUIRE(code->encode([](const std::string&) { return 3; }).has_value());
  }
}
