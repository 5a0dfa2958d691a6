// What the names of one event become in each of the three places where a program can read them, on a recorded kernel.

#include "typed/event_names.h"

#include "catch.h"
#include "support/fixtures.h"
#include "typed/bind.h"
#include "typed/mapped_names.h"

namespace tpx::typed {
namespace {

using Kind = schema::ValueType::Kind;

const kernel::Kernel& recorded() {
  static const kernel::Kernel kernel =
      kernel::recorded_kernel(test::recorded_directory("6.1"), kernel::features_of_release(6, 1)).value();
  return kernel;
}

std::shared_ptr<const kernel::Format> format(const std::string& category, const std::string& name) {
  return std::make_shared<const kernel::Format>(recorded().tracefs.format(category, name).value());
}

Event event(const std::string& category, const std::string& name) {
  Event event{category + "/" + name, format(category, name)};
  event.btf = &*recorded().btf;
  event.syscall = category == "syscalls";
  event.current_task_btf = true;
  return event;
}

Event with_arguments(Event event, const std::string& raw) {
  event.arguments = recorded().btf->tracepoint(raw).value();
  return event;
}

std::string shown(const Names& names, const std::string& text) {
  const auto node = expression::parse(text, {"a", 1, 1});
  REQUIRE(node.has_value());
  const auto value = bind(**node, names, {"a", 1, 1});
  return value ? signature(**value) : value.error().message;
}

TEST_CASE("a field of the record is a load at its offset") {
  const auto layout = format("sched", "sched_switch");
  const RecordNames names(event("sched", "sched_switch"));
  const auto offset = [&](const char* field) { return std::to_string(layout->find(field)->offset); };
  CHECK(shown(names, "args.prev_pid") == "ctx:s32@" + offset("prev_pid"));
  CHECK(shown(names, "args.next_comm") == "ctxbytes:u128@" + offset("next_comm"));
  CHECK(shown(names, "args.prev_comm[2]") == "ctx:" + std::string(std::is_signed_v<char> ? "s" : "u") + "8@" +
                                                 std::to_string(layout->find("prev_comm")->offset + 2));
  CHECK(shown(names, "str(args.next_comm, 3)") == "ctxbytes:u24@" + offset("next_comm"));
  CHECK(shown(names, "args.prev_comm[16]") == "field \"prev_comm\" has 16 elements; 16 is beyond the last");
  CHECK(shown(names, "args.prev_comm[cpu]") == "an element's number must be a constant");
  CHECK(shown(names, "args.prev_pid[0]") == "field \"prev_pid\" is not an array of fixed length");
  CHECK(shown(names, "args.prev->pid") == "a field of a tracepoint's record has no members");
  CHECK(shown(names, "args.common_pid") == "sched/sched_switch: field \"common_pid\" can't be read by a BPF program");
  CHECK(shown(names, "key.pid") == "key. and value. are only known in the metrics of a program object");
  CHECK(shown(names, "errno(args.prev_pid)") == "function \"errno\" can't be used here");
}

TEST_CASE("a dynamic string of the record takes as many bytes as str() asks for") {
  const RecordNames names(event("sched", "sched_process_exec"));
  const std::string at = std::to_string(format("sched", "sched_process_exec")->find("filename")->offset);
  CHECK(shown(names, "args.filename") == "locstr:u576@" + at);
  CHECK(shown(names, "str(args.filename, 200)") == "locstr:u1608@" + at);
  CHECK(shown(names, "str(args.filename, 0)") == "the length of str() is a number from 1 to 255");
  CHECK(shown(names, "str(args.pid)") == "str() takes a pointer, this is an integer");
}

TEST_CASE("a syscall's argument has the width of its declaration, in its own record and in that of all calls") {
  const RecordNames own(event("syscalls", "sys_enter_openat"));
  const std::string at = std::to_string(format("syscalls", "sys_enter_openat")->find("dfd")->offset);
  CHECK(shown(own, "args.dfd") == "ctx:s32@" + at);
  const auto raw = format("raw_syscalls", "sys_enter");
  const RecordNames all(event("syscalls", "sys_enter_openat"), raw);
  const std::uint32_t first = raw->find("args")->offset;
  CHECK(shown(all, "args.dfd") == "ctx:s32@" + std::to_string(first));
  CHECK(shown(all, "args.filename") == "ctx:u64@" + std::to_string(first + 8));
  CHECK(shown(all, "args.__syscall_nr") == "raw_syscalls has no such field");
  CHECK(shown(all, "str(args.filename, 31)") == "str0:32(ctx:u64@" + std::to_string(first + 8) + ")");
  const auto exits = format("raw_syscalls", "sys_exit");
  const RecordNames result(event("syscalls", "sys_exit_openat"), exits);
  CHECK(shown(result, "args.ret") == "ctx:s64@" + std::to_string(exits->find("ret")->offset));
}

TEST_CASE("a field read from the raw arguments is what its row of the table says") {
  const MappedNames names(with_arguments(event("sched", "sched_switch"), "sched_switch"));
  const RawNames raw(with_arguments(event("sched", "sched_switch"), "sched_switch"));
  CHECK(shown(names, "args.next_pid") == shown(raw, "args.next->pid"));
  CHECK(shown(names, "args.next_comm") == shown(raw, "args.next->comm"));
  CHECK(shown(names, "args.nothing") == "sched/sched_switch has no field \"nothing\"");
  CHECK(shown(names, "args.next_comm[1]") == "no row for this element");
  const MappedNames calls(with_arguments(event("raw_syscalls", "sys_enter"), "sys_enter"));
  const RawNames registers(with_arguments(event("raw_syscalls", "sys_enter"), "sys_enter"));
#if defined(__x86_64__)
  CHECK(shown(calls, "args.args[2]") == shown(registers, "args.regs->dx"));
#endif
  CHECK(shown(calls, "args.args[6]") == "no row for this element");
  // What only rows may use is not known to the language.
  CHECK(shown(names, "highest_bit(args.prev_pid)") == "function \"highest_bit\" can't be used here");
  CHECK(shown(raw, "highest_bit(1)") == "function \"highest_bit\" can't be used here");
  CHECK(shown(RawNames(with_arguments(event("sched", "sched_switch"), "sched_switch"), true), "highest_bit(cpu)")
            .starts_with("highest_bit32"));
}

TEST_CASE("a chain over raw arguments follows their BTF types") {
  const RawNames names(with_arguments(event("sched", "sched_switch"), "sched_switch"));
  const auto node = expression::parse("args.next", {}).value();
  const auto next = bind(*node, names).value();
  CHECK(next->is_pointer);
  CHECK(next->trusted);
  CHECK(next->address_of == AddressOf::Kernel);
  CHECK(next->pointee != 0);
  CHECK(shown(names, "args.next->pid").starts_with("load:s32@"));
  CHECK(shown(names, "args.next.pid") == "\"args.next\" is a pointer");
  CHECK(shown(names, "args.next->pdi") == "struct task_struct has no member \"pdi\"");
  CHECK(shown(names, "args.nxt") == "raw tracepoint sched/sched_switch has no argument \"nxt\"");
  CHECK(names.type_of(*node)->kind == kernel::Btf::Kind::Pointer);
  CHECK_FALSE(names.type_of(*expression::parse("args.gone", {}).value()).has_value());
  CHECK_FALSE(RecordNames(event("sched", "sched_switch")).type_of(*node).has_value());
  Event refused = with_arguments(event("sched", "sched_switch"), "sched_switch");
  refused.probe_reads = true;
  CHECK(shown(RawNames(refused), "args.next->pid").find(":probe") != std::string::npos);
}

TEST_CASE("pid and comm are members of the current task where a program may load them, else helpers") {
  Event known = event("sched", "sched_switch");
  CHECK(shown(RecordNames(known), "pid").starts_with("load:u32@"));
  CHECK(shown(RecordNames(known), "comm").starts_with("bytes:u128@"));
  known.current_task_btf = false;
  CHECK(shown(RecordNames(known), "pid") == signature(*make_typed(BuiltinValue{BuiltinValue::Kind::Pid}, {})));
  CHECK(shown(RecordNames(known), "ppid").find(":probe") != std::string::npos);
  known.btf = nullptr;
  CHECK(shown(RecordNames(known), "ppid") ==
        "ppid needs the kernel's type information (BTF), which this kernel does not offer");
  CHECK(shown(RecordNames(known), "probe") == "0");
}

}  // namespace
}  // namespace tpx::typed
