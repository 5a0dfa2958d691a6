#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "base/file.h"
#include "catch.h"
#include "kernel/btf.h"
#include "kernel/format.h"
#include "support/fixtures.h"

using tpx::kernel::Btf;
using tpx::kernel::FieldNames;
using tpx::kernel::Format;
using tpx::kernel::names_of;
using tpx::kernel::resolve_names;

namespace {

using Symbols = std::map<std::uint64_t, std::string>;
using Flags = std::vector<std::pair<std::uint64_t, std::string>>;

FieldNames names(const std::string& print, std::string_view field = "a") {
  Format format;
  format.print_format = print;
  return names_of(format, field);
}

Symbols symbols(const std::string& entries) {
  return names("\"%s\", __print_symbolic(REC->a, " + entries + ")").symbols;
}

Format recorded(std::string_view release, const std::string& category, const std::string& name) {
  const auto text =
      tpx::read_file(tpx::test::recorded_directory(release) + "/events/" + category + "/" + name + "/format");
  REQUIRE(text);
  auto format = tpx::kernel::parse_format(category, *text);
  REQUIRE(format);
  return *format;
}

}  // namespace

TEST_CASE("symbols take every way to write a constant", "[names]") {
  CHECK(symbols("{ 0, \"HI\" }, { 1, \"TIMER\" }") == Symbols{{0, "HI"}, {1, "TIMER"}});
  CHECK(symbols("{0x10, \"x\"}, {010, \"y\"}, {7UL, \"z\"}") == Symbols{{16, "x"}, {8, "y"}, {7, "z"}});
  CHECK(symbols("{ -1, \"all\" }, { -6ULL, \"log\" }") == Symbols{{~0ULL, "all"}, {~0ULL - 5, "log"}});
  CHECK(symbols("{ (1 << 3), \"three\" }, { 1U << 31, \"top\" }") == Symbols{{8, "three"}, {0x80000000U, "top"}});
  CHECK(symbols("{ ( unsigned long)(( gfp_t)((((1UL))) << (4))), \"W\" }") == Symbols{{16, "W"}});
  CHECK(symbols("{ ((u32)((((1UL))) << (31))), \"Q\" }") == Symbols{{0x80000000U, "Q"}});
  CHECK(symbols("{ (u8)~0, \"bytes\" }, { BIT(5), \"five\" }, { 'A', \"letter\" }") ==
        Symbols{{32, "five"}, {65, "letter"}, {255, "bytes"}});
  CHECK(symbols("{ (1 | 2) ^ 1, \"b\" }, { 10 / 3 % 2, \"c\" }, { 2 > 1 ? 40 : 50, \"d\" }") ==
        Symbols{{1, "c"}, {2, "b"}, {40, "d"}});
}

TEST_CASE("the first name of a value wins; terminators and broken entries name nothing", "[names]") {
  CHECK(symbols("{ 1, \"first\" }, { 1, \"second\" }, { -1, ((void *)0) }, { }, { 2 }, 3, { 4, \"\" \"joined\" }") ==
        Symbols{{1, "first"}, {4, "joined"}});
  CHECK(symbols("{ 1 / 0, \"zero\" }, { 1 << 64, \"far\" }, { 5, \"five\" }") == Symbols{{5, "five"}});
}

TEST_CASE("flags keep the order of the format, and the name of none apart", "[names]") {
  const auto found =
      names("\"%s\", (REC->a) ? __print_flags(REC->a, \"|\", {6, \"BOTH\"}, {2, \"TWO\"}, {0, \"NIL\"}) : \"none\"");
  CHECK(found.flags == Flags{{6, "BOTH"}, {2, "TWO"}});
  CHECK(found.symbols == Symbols{{0, "NIL"}});
  CHECK(names("\"%s\", (REC->a) ? __print_flags(REC->a, \"|\", {2, \"TWO\"}) : \"none\"").symbols ==
        Symbols{{0, "none"}});
}

TEST_CASE("the part of a field that a table names is part of the answer", "[names]") {
  const auto shifted = names("\"%s\", __print_symbolic((((REC->a) >> 13) & (8 - 1)), { 2, \"be\" })");
  CHECK(shifted.symbols == Symbols{{2, "be"}});
  CHECK(shifted.named_part(0x4007) == 2);
  const auto masked_first = names("\"%s\", __print_symbolic((REC->a & 0xC) >> 2, { 1, \"x\" })");
  CHECK(masked_first.named_part(0xF7) == 1);
  const auto cast = names("\"%s\", __print_flags((unsigned long)REC->a, \"\", { 1, \"x\" })");
  CHECK(cast.named_part(0x123456789ULL) == 0x123456789ULL);
  CHECK(names("\"%s\", __print_flags((1 << REC->a), \"|\", { 1 << 3, \"three\" }, { 1, \"zero\" })").symbols ==
        Symbols{{0, "zero"}, {3, "three"}});
  CHECK(names("\"%s\", __print_flags(REC->a ? REC->a : 0, \"|\", { 1, \"one\" })").flags == Flags{{1, "one"}});
}

TEST_CASE("choices between literals name 0, 1 and the compared value", "[names]") {
  CHECK(names("\"%s\", REC->a ? \"handled\" : \"unhandled\"").symbols == Symbols{{0, "unhandled"}, {1, "handled"}});
  CHECK(names("\"%s\", !REC->a ? \"off\" : \"on\"").symbols == Symbols{{0, "off"}, {1, "on"}});
  CHECK(names("\"%s\", REC->a == 7 ? \"seven\" : REC->a == 8 ? \"eight\" : \"more\"").symbols ==
        Symbols{{7, "seven"}, {8, "eight"}});
  CHECK(names("\"%s\", REC->a != 3 ? \"\" : \"three\"").symbols == Symbols{{3, "three"}});
  CHECK(names("\"%s\", REC->a ? \" invalid\" : \"\"").empty());
  CHECK(names("\"%s\", (REC->a & 4) ? \"+\" : \"-\"").empty());
  CHECK(names("\"%s\", REC->b ? \"x\" : \"y\"").empty());
}

TEST_CASE("tables that contradict each other name nothing", "[names]") {
  CHECK(names("\"%s\", REC->isa == 1 ? __print_symbolic(REC->a & 0xffff, {1, \"NMI\"}) : __print_symbolic(REC->a, {1, "
              "\"CR\"})")
            .empty());
  CHECK(names("\"%s %s\", __print_symbolic(REC->a, {1, \"x\"}), __print_symbolic(REC->a, {1, \"x\"})").symbols ==
        Symbols{{1, "x"}});
}

TEST_CASE("a field is not taken for one whose name it begins", "[names]") {
  CHECK(names("\"%s\", __print_symbolic(REC->ab, {1, \"x\"})").empty());
  CHECK(names("\"%s\", __print_symbolic(REC->a[0], {1, \"x\"})").empty());
  CHECK(names("\"%s\", __print_symbolic(ntohs(REC->a), {1, \"x\"})").empty());
  CHECK(names("\"%s\", __print_symbolic(REC->a + 1, {1, \"x\"})").empty());
}

TEST_CASE("weird print formats name nothing and crash nothing", "[names]") {
  for (const std::string& print :
       {std::string(), std::string("__print_symbolic(REC->a"), std::string("__print_symbolic(REC->a, {{{{"),
        std::string("__print_flags(REC->a"), std::string("__print_flags(REC->a)"), std::string("\"REC->a"),
        std::string("REC->a ? : "), std::string("REC->a ? \"x\""), std::string(")))REC->a((("),
        std::string("__print_symbolic()REC->a"), "REC->a " + std::string(50000, '('),
        "REC->a " + std::string(50000, '-'), "REC->a " + std::string(50000, '?'),
        "REC->a" + std::string(30000, '[') + std::string(30000, ']')}) {
    INFO(print.substr(0, 60));
    CHECK(names(print).empty());
  }
  std::string nested;
  for (int i = 0; i < 2000; ++i) {
    nested += "__print_symbolic(REC->a, ";
  }
  CHECK(names(nested).empty());
  std::string chain = "REC->a";
  for (int i = 0; i < 20000; ++i) {
    chain += "|1";
  }
  CHECK(names(chain).empty());
}

TEST_CASE("the scheduler's state prints as the kernel does, on every recorded kernel", "[names][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    INFO(release);
    const auto found = names_of(recorded(release, "sched", "sched_switch"), "prev_state");
    CHECK(found.flags.front() == std::pair<std::uint64_t, std::string>{1, "S"});
    CHECK(found.flags[1] == std::pair<std::uint64_t, std::string>{2, "D"});
    CHECK(found.symbols == Symbols{{0, "R"}});
    // 0x100 marks a preempted task, which is running.
    CHECK(found.named_part(0x100) == 0);
  }
}

TEST_CASE("well-known tables read on every recorded kernel", "[names][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    INFO(release);
    const auto softirq = names_of(recorded(release, "irq", "softirq_entry"), "vec");
    CHECK(softirq.symbols.size() == 10);
    CHECK(softirq.symbols.at(3) == "NET_RX");
    CHECK(names_of(recorded(release, "irq", "irq_handler_exit"), "ret").symbols ==
          Symbols{{0, "unhandled"}, {1, "handled"}});
    const auto state = names_of(recorded(release, "sock", "inet_sock_set_state"), "newstate");
    CHECK(state.symbols.at(1) == "TCP_ESTABLISHED");
    CHECK(state.symbols.at(10) == "TCP_LISTEN");
    const auto gfp = names_of(recorded(release, "kmem", "kmalloc"), "gfp_flags");
    CHECK(gfp.symbols.at(0) == "none");
    const auto kernel =
        std::find_if(gfp.flags.begin(), gfp.flags.end(), [](const auto& f) { return f.second == "GFP_KERNEL"; });
    REQUIRE(kernel != gfp.flags.end());
    CHECK(kernel->first == 0xcc0);
    CHECK(names_of(recorded(release, "block", "block_rq_issue"), "rwbs").empty());
  }
}

TEST_CASE("enumerators that a format left are resolved through BTF", "[names][recorded]") {
  const auto btf = Btf::open(tpx::test::recorded_directory("6.12-rt") + "/vmlinux.btf");
  REQUIRE(btf);
  const auto priority = names_of(recorded("6.12-rt", "block", "block_rq_issue"), "ioprio");
  CHECK(priority.symbols.empty());
  CHECK(priority.unresolved.size() == 5);
  CHECK_FALSE(priority.unresolved_flags);
  const auto resolved = resolve_names(priority, &*btf);
  CHECK(resolved.unresolved.empty());
  CHECK(resolved.symbols.at(2) == "be");
  CHECK(resolved.named_part(2U << 13U) == 2);

  const auto throttled = resolve_names(names_of(recorded("6.12-rt", "vmscan", "mm_vmscan_throttled"), "reason"), &*btf);
  CHECK(throttled.flags.front() == std::pair<std::uint64_t, std::string>{1, "VMSCAN_THROTTLE_WRITEBACK"});

  auto unknown = names("\"%s\", __print_flags(REC->a, \"|\", { NO_SUCH_MACRO, \"x\" }, { 4, \"four\" })");
  CHECK(unknown.unresolved == std::vector<std::pair<std::string, std::string>>{{"NO_SUCH_MACRO", "x"}});
  CHECK(unknown.unresolved_flags);
  CHECK(resolve_names(unknown, &*btf).unresolved.size() == 1);
  CHECK(resolve_names(unknown, nullptr).unresolved.size() == 1);
}

TEST_CASE("every table of the recorded kernels that names a whole field is found", "[names][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(tpx::test::recorded_directory(release) + "/events")) {
      if (entry.path().filename() != "format") {
        continue;
      }
      const auto text = tpx::read_file(entry.path());
      REQUIRE(text);
      const auto format = tpx::kernel::parse_format("any", *text);
      REQUIRE(format);
      // The opcodes of I/O and of administration share a field; the queue tells them apart.
      if (format->name == "nvme_setup_cmd") {
        continue;
      }
      for (const auto& field : format->fields) {
        if (format->print_format.find("__print_symbolic(REC->" + field.name + ",") != std::string::npos) {
          INFO(entry.path().string() << " " << field.name);
          const auto found = names_of(*format, field.name);
          CHECK_FALSE(found.empty());
        }
      }
    }
  }
}
