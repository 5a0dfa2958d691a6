#include "kernel/btf.h"

#include <bpf/btf.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include "catch.h"
#include "support/fixtures.h"

using tpx::kernel::Btf;
using Kind = Btf::Kind;

namespace {

Btf recorded(std::string_view release) {
  auto btf = Btf::open(tpx::test::recorded_directory(release) + "/vmlinux.btf");
  REQUIRE(btf);
  return *btf;
}

struct Built {
  std::unique_ptr<::btf, decltype(&btf__free)> raw{btf__new_empty(), &btf__free};
  [[nodiscard]] Btf btf() const { return Btf::borrow(raw.get()); }
};

std::vector<std::string> names_of(const std::vector<Btf::Argument>& arguments) {
  std::vector<std::string> names;
  for (const auto& argument : arguments) {
    names.push_back(argument.name);
  }
  return names;
}

}  // namespace

TEST_CASE("sched_switch has the arguments of its kernel", "[btf][recorded]") {
  using Names = std::vector<std::string>;
  const auto old = recorded("5.10").tracepoint("sched_switch");
  REQUIRE(old);
  CHECK(names_of(*old) == Names{"preempt", "prev", "next"});
  for (const char* release : {"6.1", "6.12-rt"}) {
    const Btf btf = recorded(release);
    const auto arguments = btf.tracepoint("sched_switch");
    REQUIRE(arguments);
    CHECK(names_of(*arguments) == Names{"preempt", "prev", "next", "prev_state"});
    const auto prev = btf.resolve((*arguments)[1].type);
    CHECK(prev.kind == Kind::Pointer);
    CHECK(prev.size == 8);
    CHECK(btf.resolve(prev.target).name == "task_struct");
    CHECK(btf.resolve((*arguments)[0].type).size == 1);
  }
}

TEST_CASE("all raw tracepoints are listed, and none is made up", "[btf][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    const Btf btf = recorded(release);
    const auto names = btf.tracepoints();
    CHECK(names.size() > 600);
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (const auto& name : names) {
      INFO(name);
      const auto arguments = btf.tracepoint(name);
      REQUIRE(arguments);
      for (const auto& argument : *arguments) {
        CHECK_FALSE(argument.name.empty());
      }
    }
    CHECK_FALSE(btf.tracepoint("no_such_tracepoint"));
    CHECK_FALSE(btf.tracepoint_id(""));
  }
}

TEST_CASE("members are found through anonymous structs and typedefs", "[btf][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    const Btf btf = recorded(release);
    const auto task = btf.find_struct("task_struct");
    REQUIRE(task);
    const auto pid = btf.member(*task, "pid");
    REQUIRE(pid);
    CHECK(btf.resolve(pid->type).name == "pid_t");
    CHECK(btf.resolve(pid->type).kind == Kind::Integer);
    CHECK(btf.resolve(pid->type).is_signed);
    CHECK(pid->bit_offset % 32 == 0);
    CHECK(pid->bit_size == 0);
    const auto comm = btf.resolve(btf.member(*task, "comm")->type);
    CHECK(comm.kind == Kind::Array);
    CHECK(comm.length == 16);
    CHECK(comm.size == 16);
    CHECK(btf.resolve(comm.target).is_char);
    const auto bits = btf.member(*task, "in_execve");
    REQUIRE(bits);
    CHECK(bits->bit_size == 1);
    CHECK_FALSE(btf.member(*task, "no_such_member"));
    const auto names = btf.member_names(*task);
    CHECK(std::find(names.begin(), names.end(), "comm") != names.end());
    CHECK(btf.member(*btf.find_struct("sk_buff"), "len"));
  }
}

TEST_CASE("enumerators have values, and enums names", "[btf][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    const Btf btf = recorded(release);
    CHECK(btf.enumerator("HRTIMER_SOFTIRQ") == 8U);
    CHECK(btf.enumerator("TCP_LISTEN") == 10U);
    CHECK_FALSE(btf.enumerator("NO_SUCH_ENUMERATOR"));
    CHECK(btf.enumerator("RPM_ACTIVE") == 0U);
  }
  // Negative in C, whether the BTF of its time says so or not.
  CHECK(recorded("6.12-rt").enumerator("RPM_INVALID") == ~std::uint64_t{0});
  CHECK(recorded("5.10").enumerator("MEMORY_DEVICE_PRIVATE") == 1U);
}

TEST_CASE("bit-fields, anonymous unions and 64-bit enums of hand-made BTF", "[btf]") {
  const Built built;
  ::btf* raw = built.raw.get();
  const int integer = btf__add_int(raw, "int", 4, BTF_INT_SIGNED);
  const int character = btf__add_int(raw, "char", 1, 0);
  const int anonymous = btf__add_union(raw, nullptr, 4);
  btf__add_field(raw, "inner", integer, 0, 0);
  btf__add_field(raw, "other", integer, 0, 0);
  const int outer = btf__add_struct(raw, "outer", 12);
  btf__add_field(raw, "flag", integer, 3, 5);
  btf__add_field(raw, nullptr, anonymous, 32, 0);
  btf__add_field(raw, "letter", character, 64, 0);
  const int forward = btf__add_fwd(raw, "outer", BTF_FWD_STRUCT);
  const int pointer = btf__add_ptr(raw, btf__add_const(raw, forward));
  const int large = btf__add_enum64(raw, "large", 8, false);
  btf__add_enum64_value(raw, "HUGE_VALUE", 0x123456789abcULL);
  const int typed = btf__add_typedef(raw, "outer_t", outer);
  const int self = btf__add_typedef(raw, "self", btf__type_cnt(raw) > 0 ? static_cast<int>(btf__type_cnt(raw)) : 0);
  const Btf btf = built.btf();
  const auto id = [](int value) { return static_cast<std::uint32_t>(value); };

  const auto flag = btf.member(id(typed), "flag");
  REQUIRE(flag);
  CHECK(flag->bit_offset == 3);
  CHECK(flag->bit_size == 5);
  CHECK(btf.member(id(outer), "other")->bit_offset == 32);
  CHECK(btf.member_names(id(outer)) == std::vector<std::string>{"flag", "inner", "other", "letter"});
  const auto target = btf.resolve(btf.resolve(id(pointer)).target);
  CHECK(target.kind == Kind::Struct);
  CHECK(target.size == 12);
  CHECK(target.id == id(outer));
  CHECK(btf.resolve(id(typed)).name == "outer_t");
  CHECK(btf.enumerator("HUGE_VALUE") == 0x123456789abcULL);
  CHECK(btf.enumerators(id(large)) ==
        std::vector<std::pair<std::uint64_t, std::string>>{{0x123456789abcULL, "HUGE_VALUE"}});
  CHECK(btf.resolve(id(large)).size == 8);
  CHECK(btf.resolve(0).kind == Kind::Void);
  CHECK(btf.resolve(99999).kind == Kind::Void);
  // A typedef of itself ends.
  CHECK(btf.resolve(id(self)).kind == Kind::Void);
  CHECK_FALSE(btf.member(id(integer), "x"));
}

TEST_CASE("a file that is no BTF is an error with its errno", "[btf]") {
  const auto absent = Btf::open("/nonexistent/vmlinux");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().os_error == ENOENT);
  CHECK(absent.error().hint == "the kernel needs CONFIG_DEBUG_INFO_BTF");
  CHECK_FALSE(Btf::open(tpx::test::recorded_directory("5.10") + "/available_events"));
}

TEST_CASE("many threads may ask first", "[btf][recorded]") {
  const Btf btf = recorded("6.1");
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      right += btf.tracepoint_id("sys_enter").has_value() && btf.find_struct("task_struct").has_value() &&
                       btf.enumerator("TCP_LISTEN") == 10U
                   ? 1
                   : 0;
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  CHECK(right == 4);
}
