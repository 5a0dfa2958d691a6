#include "live/event_format.h"

#include <cstring>
#include <stdexcept>

#include "catch.h"
#include "decode/decoder.h"
#include "support/fixtures.h"

using namespace tpx;
using live::EventFormatter;
using live::EventOutput;
using plan::EventPlan;

namespace {

struct Recorded {
  kernel::Kernel kernel;
  EventPlan plan;
  std::vector<std::byte> record;

  Recorded(const std::string& tracepoint, const std::vector<std::string>& fields)
      : kernel(kernel::recorded_kernel(test::recorded_directory("6.1"), kernel::features_of_release(6, 1)).value()) {
    plan::Options options;
    options.decoders = decode::signatures();
    plan = plan::plan_events({tracepoint, std::nullopt, fields}, kernel, options).value();
    record.resize(plan.record_bytes);
    put<std::uint64_t>(EventPlan::kTime, 1'500'000'000);
    put<std::uint32_t>(EventPlan::kPid, 77);
    put<std::uint32_t>(EventPlan::kTid, 77);
    put<std::uint32_t>(EventPlan::kCpu, 3);
    put_text(EventPlan::kComm, "worker");
  }
  template <class T>
  void put(std::uint32_t offset, T value) {
    std::memcpy(record.data() + offset, &value, sizeof value);
  }
  void put_text(std::uint32_t offset, const char* text) {
    std::memcpy(record.data() + offset, text, std::strlen(text) + 1);
  }
  [[nodiscard]] std::uint32_t offset(const std::string& column) const {
    for (const plan::EventColumn& each : plan.columns) {
      if (each.name == column) {
        return each.offset;
      }
    }
    throw std::runtime_error("no column " + column);
  }
  [[nodiscard]] std::string line(EventOutput output) const {
    auto formatter = EventFormatter::make(plan, kernel, {}, output, 0).value();
    std::string out;
    formatter.append(out, record);
    return out;
  }
};

/// What follows the clock, which is the local one.
std::string after_clock(const std::string& line) {
  return line.substr(line.find(' ') + 1);
}

}  // namespace

TEST_CASE("a context switch reads from what was to what is") {
  Recorded event("sched/sched_switch", {});
  event.put_text(event.offset("prev_comm"), "worker");
  event.put<std::int32_t>(event.offset("prev_pid"), 77);
  event.put<std::int32_t>(event.offset("prev_prio"), 120);
  event.put<std::int64_t>(event.offset("prev_state"), 1);
  event.put_text(event.offset("next_comm"), "Web Content");
  event.put<std::int32_t>(event.offset("next_pid"), 99);
  event.put<std::int32_t>(event.offset("next_prio"), -1);
  REQUIRE(after_clock(event.line(EventOutput::Text)) ==
          "worker           77            [003] prev_comm=worker prev_pid=77 prev_prio=120 prev_state=S -> "
          "next_comm=\"Web Content\" next_pid=99 next_prio=-1\n");
  REQUIRE(event.line(EventOutput::Json) ==
          R"({"time":"1970-01-01T00:00:01.500000000Z","comm":"worker","pid":77,"tid":77,"cpu":3,"args":{)"
          R"("prev_comm":"worker","prev_pid":77,"prev_prio":120,"prev_state":1,"prev_state_name":"S",)"
          R"("next_comm":"Web Content","next_pid":99,"next_prio":-1}})"
          "\n");
}

TEST_CASE("a thread that is not its process's first shows both ids") {
  Recorded event("irq/softirq_entry", {"vec"});
  event.put<std::uint32_t>(EventPlan::kTid, 78);
  event.put<std::uint32_t>(event.offset("vec"), 1);
  REQUIRE(after_clock(event.line(EventOutput::Text)) == "worker           77/78         [003] vec=TIMER\n");
}

TEST_CASE("a process's name can't steer the terminal") {
  Recorded event("irq/softirq_entry", {"vec"});
  event.put_text(EventPlan::kComm, "\x1b[2J");
  REQUIRE(event.line(EventOutput::Text).find('\x1b') == std::string::npos);
  REQUIRE(event.line(EventOutput::Json).find("\"comm\":\"\\u001b[2J\"") != std::string::npos);
}

TEST_CASE("a failed system call names its error, an int keeps its sign") {
  Recorded exit("syscalls/sys_exit_openat", {});
  exit.put<std::int64_t>(exit.offset("ret"), -2);
  REQUIRE(after_clock(exit.line(EventOutput::Text)).ends_with("ret=-2 (ENOENT)\n"));
  REQUIRE(exit.line(EventOutput::Json).find(R"("ret":-2,"ret_name":"ENOENT")") != std::string::npos);
  exit.put<std::int64_t>(exit.offset("ret"), 3);
  REQUIRE(after_clock(exit.line(EventOutput::Text)).ends_with("ret=3\n"));

  Recorded enter("syscalls/sys_enter_openat", {});
  enter.put<std::uint64_t>(enter.offset("dfd"), 0xffffff9c);
  enter.put_text(enter.offset("filename"), "/etc/a \"b\"");
  enter.put<std::uint64_t>(enter.offset("flags"), 0x80000);
  REQUIRE(after_clock(enter.line(EventOutput::Text))
              .ends_with("dfd=-100 filename=\"/etc/a \\\"b\\\"\" flags=0x80000 mode=0x0\n"));
}
