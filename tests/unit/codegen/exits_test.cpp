// Which ids the exit programs mark, on tasks in the test's memory.

#include "codegen/exits.h"

#include <cstring>
#include <set>

#include "catch.h"
#include "support/interpreter.h"

namespace tpx::codegen {
namespace {

constexpr std::uint32_t kThread = 8;
constexpr std::uint32_t kProcess = 12;
constexpr std::uint32_t kSignal = 16;
constexpr std::uint32_t kLive = 4;

plan::ExitPlan typed() {
  return {{plan::AttachType::TpBtf, "", "exit", 1},
          {plan::AttachType::TpBtf, "", "free", 2},
          0,
          0,
          kThread,
          kProcess,
          kSignal,
          kLive};
}

plan::ExitPlan classic() {
  return {{plan::AttachType::Classic, "sched", "exit", 1},
          {plan::AttachType::Classic, "sched", "free", 2},
          24,
          28,
          0,
          0,
          0,
          0};
}

template <class Integer>
void put(test::Bytes& bytes, std::size_t at, Integer value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

using Marks = std::set<std::pair<std::uint32_t, std::uint32_t>>;

/// What a program leaves in the map of marks.
Marks run(const plan::ExitPlan& plan, ExitMark mark, const kernel::Features& features, test::TestKernel& kernel,
          const test::Bytes& context) {
  const std::uint32_t bits = exit_mark_bits(features);
  kernel.add_map(std::string(kExitMap), BPF_MAP_TYPE_ARRAY, 4, kIds / 8 * bits, 1);
  const assembler::Program program = generate_exits(plan, mark, features);
  const auto result = test::interpret(program, kernel, context);
  if (!result) {
    FAIL(result.error().message);
  }
  // A classic program that returns 0 takes the event away from every perf user of the tracepoint.
  CHECK(*result == (plan.exit.type == plan::AttachType::Classic ? 1 : 0));
  Marks marks;
  const auto map = kernel.value(std::string(kExitMap));
  for (std::uint32_t byte = 0; byte < map.size(); ++byte) {
    for (std::uint32_t at = 0; map[byte] != 0 && at < 8; at += bits) {
      const std::uint32_t field = bits == 8 ? map[byte] : (map[byte] >> at) & 3U;
      if (field != 0) {
        marks.insert({(byte * 8 + at) / bits, field});
      }
    }
  }
  return marks;
}

Marks task_ends(ExitMark mark, bool fetch_atomics, std::int32_t thread, std::int32_t process, std::int32_t live) {
  test::TestKernel kernel;
  kernel::Features features;
  features.fetch_atomics = fetch_atomics;
  test::Bytes signal(8);
  put(signal, kLive, live);
  test::Bytes task(24);
  put(task, kThread, thread);
  put(task, kProcess, process);
  put(task, kSignal, kernel.memory.add("signal", signal));
  test::Bytes context(8);
  put(context, 0, kernel.memory.add("task", task));
  return run(typed(), mark, features, kernel, context);
}

TEST_CASE("a process is over with the last of its threads") {
  for (const bool atomics : {true, false}) {
    for (const ExitMark mark : {ExitMark::Exited, ExitMark::Freed}) {
      const auto value = static_cast<std::uint32_t>(mark);
      // its only thread
      CHECK(task_ends(mark, atomics, 100, 100, 0) == Marks{{100, value}});
      // another one, while the first or others live
      CHECK(task_ends(mark, atomics, 131, 100, 1) == Marks{{131, value}});
      // the first one, while others live: the id is still the process'
      CHECK(task_ends(mark, atomics, 100, 100, 2).empty());
      // the last one, not the first
      CHECK(task_ends(mark, atomics, 131, 100, 0) == Marks{{100, value}, {131, value}});
      // the largest id, and more than that
      CHECK(task_ends(mark, atomics, kIds - 1, 1, 5) == Marks{{kIds - 1, value}});
      CHECK(task_ends(mark, atomics, kIds, 1, 5).empty());
    }
  }
}

TEST_CASE("exit and end of one task are told apart") {
  test::TestKernel kernel;
  const kernel::Features features{.fetch_atomics = true};
  test::Bytes context(32);
  put(context, 24, std::int32_t{77});
  put(context, 28, std::int32_t{78});
  CHECK(run(classic(), ExitMark::Exited, features, kernel, context) == Marks{{77, 1}});
  const assembler::Program free = generate_exits(classic(), ExitMark::Freed, features);
  put(context, 28, std::int32_t{77});
  REQUIRE(test::interpret(free, kernel, context));
  CHECK(kernel.value(std::string(kExitMap))[77 / 4] == 3U << (77 % 4 * 2));
}

}  // namespace
}  // namespace tpx::codegen
