#include <string>
#include <vector>

#include "assembler/program.h"
#include "catch.h"

namespace tpx::assembler {
namespace {

Result<Encoded> encode(const Program& program) {
  return program.encode([](const std::string&) { return 3; });
}

std::string error_of(const Program& program) {
  const Result<Encoded> encoded = encode(program);
  return encoded ? "" : encoded.error().message;
}

TEST_CASE("jump distances count slots, forward and backward", "[assembler]") {
  Program program;
  const Label top = program.new_label();
  const Label end = program.new_label();
  program.place(top);
  program.jump_if(Cond::Eq, Reg::R1, 0, end);    // slot 0
  program.load_immediate(Reg::R2, 0x100000000);  // slots 1, 2
  program.load_map(Reg::R3, {"m", 8});           // slots 3, 4
  program.jump(top);                             // slot 5
  program.place(end);
  program.exit();  // slot 6
  const Result<Encoded> encoded = encode(program);
  REQUIRE(encoded.has_value());
  REQUIRE(encoded->instructions.size() == 7);
  CHECK(encoded->instructions[0].off == 5);
  CHECK(encoded->instructions[5].off == -6);
  CHECK(encoded->origin == std::vector<std::uint32_t>{0, 1, 1, 2, 2, 3, 4});
}

Program jump_over(int instructions) {
  Program program;
  const Label end = program.new_label();
  program.comment("skip the rest");
  program.jump(end);
  for (int i = 0; i < instructions; ++i) {
    program.move(Reg::R1, Reg::R2);
  }
  program.place(end);
  program.exit();
  return program;
}

TEST_CASE("a jump of 32767 slots fits and one more does not", "[assembler]") {
  const Result<Encoded> fits = encode(jump_over(32767));
  REQUIRE(fits.has_value());
  CHECK(fits->instructions[0].off == 32767);
  CHECK(error_of(jump_over(32768)) ==
        "BPF instruction 0 (skip the rest), `goto L0`: jump distance 32768 does not fit: it must be from -32768 to "
        "32767");
}

TEST_CASE("labels that lead nowhere are errors", "[assembler]") {
  SECTION("never placed") {
    Program program;
    program.comment("test the filter");
    program.jump_if(Cond::Ne, Reg::R1, 5, program.new_label());
    program.exit();
    CHECK(error_of(program) == "BPF instruction 0 (test the filter), `if r1 != 5 goto L0`: label L0 is never placed");
  }
  SECTION("never placed and never used") {
    Program program;
    static_cast<void>(program.new_label());
    program.exit();
    CHECK(error_of(program) == "label L0 is never placed");
  }
  SECTION("placed at the end") {
    Program program;
    const Label end = program.new_label();
    program.jump(end);
    program.exit();
    program.place(end);
    CHECK(error_of(program).find("placed at the end of the program, where no instruction follows") !=
          std::string::npos);
  }
  SECTION("placed twice") {
    Program program;
    const Label label = program.new_label();
    program.place(label);
    program.jump(label);
    program.place(label);
    program.exit();
    CHECK(error_of(program) == "label L0 is placed a second time before instruction 1");
  }
  SECTION("of another program") {
    Program other;
    static_cast<void>(other.new_label());
    const Label foreign = other.new_label();
    Program program;
    program.jump(foreign);
    program.exit();
    CHECK(error_of(program).find("label L1 is not of this program") != std::string::npos);
    program.place(foreign);
    CHECK(error_of(program).find("label L1, which is not of this program, is placed") != std::string::npos);
  }
}

TEST_CASE("maps are listed once, in order of first use", "[assembler]") {
  Program program;
  program.load_map(Reg::R1, {"b"});
  program.load_map(Reg::R1, {"a", 8});
  program.load_map(Reg::R1, {"b", 16});
  CHECK(program.maps() == std::vector<std::string>{"b", "a"});
}

TEST_CASE("an instruction belongs to the nearest comment before it", "[assembler]") {
  Program program;
  program.move(Reg::R1, Reg::R2);
  program.comment("first");
  program.move(Reg::R1, Reg::R2);
  program.move(Reg::R1, Reg::R2);
  program.comment("second");
  program.comment("and more");
  program.exit();
  CHECK(program.step(0).empty());
  CHECK(program.step(1) == "first");
  CHECK(program.step(2) == "first");
  CHECK(program.step(3) == "second; and more");
  CHECK(program.step(99) == "second; and more");
}

TEST_CASE("the listing shows slots, labels, symbolic maps and comments", "[assembler]") {
  Program program;
  const Label skip = program.new_label();
  const Label end = program.new_label();
  program.comment("prev_pid");
  program.load(Size::Word, Reg::R1, Reg::R6, 24);
  program.jump_if(Cond::Ne, Reg::R1, 5, end);
  program.comment("the counter of this CPU");
  program.load_map(Reg::R1, {"context_switches_total", 128});
  program.jump_if(Cond::Eq, Reg::R1, Reg::R2, skip);
  program.place(skip);
  program.place(end);
  program.comment("an instruction so long that its comment can't begin where the others' comments do");
  program.atomic(Atomic::CompareExchange, Size::Double, Reg::R10, -32768, Reg::R9);
  program.load_immediate(Reg::R0, 0);
  program.exit();
  CHECK(program.disassemble() ==
        "   0: r1 = *(u32 *)(r6 +24)                     ; prev_pid\n"
        "   1: if r1 != 5 goto L1\n"
        "   2: r1 = map_value[context_switches_total] +128 ; the counter of this CPU\n"
        "   4: if r1 == r2 goto L0\n"
        "L0:\n"
        "L1:\n"
        "   5: r0 = atomic_cmpxchg((u64 *)(r10 -32768), r0, r9) ; an instruction so long that its comment can't begin "
        "where the others' comments do\n"
        "   6: r0 = 0\n"
        "   7: exit\n");
}

TEST_CASE("helper names are the kernel's", "[assembler]") {
  CHECK(helper_name(1) == "bpf_map_lookup_elem");
  CHECK(helper_name(16) == "bpf_get_current_comm");
  CHECK(helper_name(115) == "bpf_probe_read_kernel_str");
  CHECK(helper_name(158) == "bpf_get_current_task_btf");
  CHECK(helper_name(0) == "helper#0");
  CHECK(helper_name(4000000000U) == "helper#4000000000");
}

}  // namespace
}  // namespace tpx::assembler
