// Whoever else counts a tracepoint by perf must see what it would see without the exporter.

#include <array>
#include <memory>

#include "catch.h"
#include "decode/decoder.h"
#include "kernel/support/calls.h"
#include "kernel/support/children.h"
#include "kernel/support/perf_counter.h"
#include "kernel/support/session.h"
#include "live/event_stream.h"
#include "loader/exit_watch.h"
#include "plan/exits.h"

namespace tpx::test {
namespace {

constexpr std::uint64_t kCalls = 1000;
constexpr std::array kTypes{plan::AttachType::TpBtf, plan::AttachType::Classic};

/// How many calls perf counts of this thread's kCalls, which have other arguments each.
std::uint64_t counted_by_perf(const std::string& event) {
  const PerfCounter perf(event, PerfCounter::Of::ThisThread);
  const std::uint64_t before = perf.count();
  for (std::uint64_t i = 0; i < kCalls; ++i) {
    call(i, i % 2);
  }
  return perf.count() - before;
}

TEST_CASE("perf counts the same beside metrics of either attach type", "[kernel]") {
  const std::string mine = "tid == " + std::to_string(gettid());
  // Programs that end early (filter), late, at a full store, at a negative value, at the start and at the end of a pair.
  const std::string metrics =
      "metrics:\n"
      "  - {name: none_total, tracepoint: raw_syscalls/sys_enter, filter: args.id == 99999}\n"
      "  - {name: all_total, tracepoint: raw_syscalls/sys_enter, labels: {key: 'args.args[0]'}, max_series: 100}\n"
      "  - {name: calls_total, tracepoint: syscalls/sys_enter_getppid}\n"
      "  - {name: negative_total, tracepoint: raw_syscalls/sys_exit, value: 0 - args.ret, filter: '" +
      mine +
      "'}\n"
      "  - name: seconds\n    type: histogram\n    buckets: [1000]\n"
      "    from: {tracepoint: raw_syscalls/sys_enter, key: tid}\n    to: {tracepoint: raw_syscalls/sys_exit, key: "
      "tid}\n";
  const std::array<std::string, 3> events{"raw_syscalls/sys_enter", "raw_syscalls/sys_exit",
                                          "syscalls/sys_enter_getppid"};
  for (const std::string& event : events) {
    INFO(event);
    const std::uint64_t alone = counted_by_perf(event);
    CHECK(alone >= kCalls);
    for (const plan::AttachType type : kTypes) {
      for (const schema::StoreKind store : {schema::StoreKind::Table, schema::StoreKind::PerCpuHash}) {
        if (store == schema::StoreKind::Table && !this_kernel().features.fetch_atomics) {
          continue;
        }
        INFO(plan::name(type) << ", " << schema::store_name(store));
        if (type == plan::AttachType::TpBtf && !this_kernel().features.current_task_btf) {
          continue;  // syscalls/* have no program in common before Linux 5.11
        }
        Session session(metrics, {type, store});
        CHECK(counted_by_perf(event) == alone);
        CHECK(session.value("calls_total") >= kCalls);
      }
    }
  }
}

TEST_CASE("perf counts the same beside a stream of events of either attach type", "[kernel]") {
  const std::uint64_t alone = counted_by_perf("raw_syscalls/sys_exit");
  for (const plan::AttachType type : kTypes) {
    for (const std::string filter : {"tid == 1", "tid != 1"}) {
      INFO(plan::name(type) << ", filter \"" << filter << '"');
      plan::Options options;
      options.decoders = decode::signatures();
      options.force_attach = type;
      // A buffer of one page is full soon.
      auto stream = live::EventStream::open({"raw_syscalls/sys_exit", filter, {"ret"}}, this_kernel(), options, 4096);
      REQUIRE(stream.has_value());
      REQUIRE(stream->attach().has_value());
      CHECK(counted_by_perf("raw_syscalls/sys_exit") == alone);
      stream->detach();
    }
  }
}

TEST_CASE("perf sees tasks end beside the programs that watch for it", "[kernel]") {
  constexpr std::uint64_t kChildren = 20;
  for (const plan::AttachType type : kTypes) {
    INFO(plan::name(type));
    const auto plan = plan::plan_exits(this_kernel(), type);
    REQUIRE(plan.has_value());
    REQUIRE(plan->exit.type == type);
    const auto watch = loader::ExitWatch::start(*plan, this_kernel().features);
    REQUIRE(watch.has_value());
    const PerfCounter exits("sched/sched_process_exit", PerfCounter::Of::Machine);
    for (std::uint64_t i = 0; i < kChildren; ++i) {
      reap(start_child([] {}));
    }
    CHECK(exits.count() >= kChildren);
  }
}

}  // namespace
}  // namespace tpx::test
