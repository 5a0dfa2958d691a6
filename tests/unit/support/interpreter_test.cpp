#include "support/interpreter.h"

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "catch.h"

namespace tpx::test {
namespace {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Program;
using assembler::Reg;
using assembler::Size;

std::uint64_t result_of(TestKernel& kernel, const std::function<void(Program&)>& build) {
  Program program;
  build(program);
  program.exit();
  const Result<std::uint64_t> result = interpret(program, kernel, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  INFO((result ? "" : result.error().message));
  REQUIRE(result.has_value());
  return *result;
}

std::uint64_t result_of(const std::function<void(Program&)>& build) {
  TestKernel kernel;
  return result_of(kernel, build);
}

std::string error_of(const std::function<void(Program&)>& build) {
  TestKernel kernel;
  kernel.add_map("m", BPF_MAP_TYPE_ARRAY, 4, 16, 1);
  kernel.add_map("ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
  Program program;
  program.comment("a step");
  build(program);
  program.exit();
  const Result<std::uint64_t> result = interpret(program, kernel, std::vector<std::uint8_t>(16), {.step_limit = 1000});
  return result ? "no error" : result.error().message;
}

TEST_CASE("arithmetic follows the instruction set's corner cases", "[interpreter]") {
  const auto alu = [](Alu op, std::int64_t left, std::int64_t right) {
    return result_of([&](Program& p) {
      p.load_immediate(Reg::R0, left);
      p.load_immediate(Reg::R1, right);
      p.alu(op, Reg::R0, Reg::R1);
    });
  };
  const auto alu32 = [](Alu op, std::int64_t left, std::int64_t right) {
    return result_of([&](Program& p) {
      p.load_immediate(Reg::R0, left);
      p.load_immediate(Reg::R1, right);
      p.alu32(op, Reg::R0, Reg::R1);
    });
  };
  CHECK(alu(Alu::Div, 7, 0) == 0);
  CHECK(alu(Alu::Mod, 7, 0) == 7);
  CHECK(alu32(Alu::Div, -1, 0) == 0);
  CHECK(alu32(Alu::Mod, -1, 0) == 0xffffffff);
  CHECK(alu32(Alu::Mod, -1, std::int64_t{1} << 32) == 0xffffffff);
  CHECK(alu(Alu::Div, -1, 2) == 0x7fffffffffffffff);
  CHECK(alu(Alu::Lsh, 1, 65) == 2);
  CHECK(alu32(Alu::Lsh, 1, 33) == 2);
  CHECK(alu(Alu::Arsh, -8, 1) == static_cast<std::uint64_t>(-4));
  CHECK(alu(Alu::Rsh, -1, 63) == 1);
  CHECK(alu32(Alu::Arsh, 0x80000000, 31) == 0xffffffff);
  CHECK(alu32(Alu::Mov, 0, -1) == 0xffffffff);
  CHECK(alu32(Alu::Add, 0xffffffff, 1) == 0);
  CHECK(result_of([](Program& p) {
          p.load_immediate(Reg::R0, 5);
          p.negate(Reg::R0);
        }) == static_cast<std::uint64_t>(-5));
}

TEST_CASE("conversions keep the bits they should", "[interpreter]") {
  const auto convert = [](const std::function<void(Program&)>& build) {
    return result_of([&](Program& p) {
      p.load_immediate(Reg::R0, 0x1122334455667788);
      build(p);
    });
  };
  CHECK(convert([](Program& p) { p.to_big_endian(Reg::R0, 16); }) == 0x8877);
  CHECK(convert([](Program& p) { p.to_big_endian(Reg::R0, 32); }) == 0x88776655);
  CHECK(convert([](Program& p) { p.to_big_endian(Reg::R0, 64); }) == 0x8877665544332211);
  CHECK(convert([](Program& p) { p.sign_extend(Reg::R0, 8); }) == 0xffffffffffffff88);
  CHECK(convert([](Program& p) { p.sign_extend(Reg::R0, 7); }) == 8);
  CHECK(convert([](Program& p) { p.zero_extend(Reg::R0, 12); }) == 0x788);
  CHECK(convert([](Program& p) { p.zero_extend(Reg::R0, 32); }) == 0x55667788);
  CHECK(convert([](Program& p) { p.zero_extend(Reg::R0, 40); }) == 0x4455667788);
}

TEST_CASE("loads zero-extend and stores cut", "[interpreter]") {
  CHECK(result_of([](Program& p) { p.load(Size::Word, Reg::R0, Reg::R1, 4); }) == 0x08070605);
  CHECK(result_of([](Program& p) { p.load(Size::Byte, Reg::R0, Reg::R1, 7); }) == 8);
  CHECK(result_of([](Program& p) {
          p.store_immediate(Size::Double, Reg::R10, -8, -1);
          p.store_immediate(Size::Half, Reg::R10, -6, 0x1234);
          p.load(Size::Double, Reg::R0, Reg::R10, -8);
        }) == 0xffffffff1234ffff);
}

TEST_CASE("atomics leave the old value where they should", "[interpreter]") {
  TestKernel kernel;
  kernel.add_map("m", BPF_MAP_TYPE_ARRAY, 4, 16, 1);
  const auto word = [&](std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, kernel.value("m").data() + at, sizeof value);
    return value;
  };
  const auto atomic = [&](Atomic op, Size size, std::int64_t r0, std::int64_t operand) {
    const std::uint64_t initial = 0xf0f0'0000'0000'0005;
    std::memcpy(kernel.value("m").data() + 8, &initial, sizeof initial);
    return result_of(kernel, [&](Program& p) {
      p.load_map(Reg::R6, {"m", 8});
      p.load_immediate(Reg::R0, r0);
      p.load_immediate(Reg::R2, operand);
      p.atomic(op, size, Reg::R6, 0, Reg::R2);
      if (op != Atomic::CompareExchange) {
        p.move(Reg::R0, Reg::R2);
      }
    });
  };
  CHECK(atomic(Atomic::Add, Size::Double, 0, 3) == 3);
  CHECK(word(8) == 0xf0f0'0000'0000'0008);
  CHECK(atomic(Atomic::FetchAdd, Size::Double, 0, 3) == 0xf0f0'0000'0000'0005);
  CHECK(word(8) == 0xf0f0'0000'0000'0008);
  CHECK(atomic(Atomic::FetchAdd, Size::Word, 0, -6) == 5);
  CHECK(word(8) == 0xf0f0'0000'ffff'ffff);
  CHECK(atomic(Atomic::FetchOr, Size::Word, 0, 2) == 5);
  CHECK(word(8) == 0xf0f0'0000'0000'0007);
  CHECK(atomic(Atomic::FetchAnd, Size::Double, 0, 4) == 0xf0f0'0000'0000'0005);
  CHECK(word(8) == 4);
  CHECK(atomic(Atomic::Exchange, Size::Double, 0, 9) == 0xf0f0'0000'0000'0005);
  CHECK(word(8) == 9);
  CHECK(atomic(Atomic::CompareExchange, Size::Word, -4294967291, 9) == 5);
  CHECK(word(8) == 0xf0f0'0000'0000'0009);
  CHECK(atomic(Atomic::CompareExchange, Size::Double, 5, 9) == 0xf0f0'0000'0000'0005);
  CHECK(word(8) == 0xf0f0'0000'0000'0005);
}

TEST_CASE("what the verifier would refuse stops the program with its instruction", "[interpreter]") {
  struct Row {
    std::string message;
    std::function<void(Program&)> build;
  };
  const std::vector<Row> rows = {
      {"out of bounds read at instruction 0: r0 = *(u64 *)(r1 +16): 8 bytes at context +16 (a step)",
       [](Program& p) { p.load(Size::Double, Reg::R0, Reg::R1, 16); }},
      {"out of bounds write at instruction 0: *(u64 *)(r10 -520) = 1: 8 bytes at stack -8",
       [](Program& p) { p.store_immediate(Size::Double, Reg::R10, -520, 1); }},
      {"out of bounds write at instruction 0: *(u64 *)(r10 +0) = 1: 8 bytes at stack +512",
       [](Program& p) { p.store_immediate(Size::Double, Reg::R10, 0, 1); }},
      {"write to read-only memory at instruction 0: *(u8 *)(r1 +0) = 1: 1 bytes at context +0",
       [](Program& p) { p.store_immediate(Size::Byte, Reg::R1, 0, 1); }},
      {"uninitialised register at instruction 0: r2 += 1: r2", [](Program& p) { p.alu(Alu::Add, Reg::R2, 1); }},
      {"uninitialised register at instruction 0: exit: r0", [](Program&) {}},
      {"uninitialised register at instruction 2: r3 = r1: r1",
       [](Program& p) {
         p.load_immediate(Reg::R1, 0);
         p.call(BPF_FUNC_ktime_get_ns);
         p.move(Reg::R3, Reg::R1);
       }},
      {"uninitialised register at instruction 1: call bpf_map_lookup_elem#1: r2",
       [](Program& p) {
         p.load_map(Reg::R1, {"m"});
         p.call(BPF_FUNC_map_lookup_elem);
       }},
      {"uninitialised read at instruction 1: r0 = *(u64 *)(r10 -8): 8 bytes at stack +504",
       [](Program& p) {
         p.store_immediate(Size::Word, Reg::R10, -8, 1);
         p.load(Size::Double, Reg::R0, Reg::R10, -8);
       }},
      {"misaligned access at instruction 0: *(u32 *)(r10 -6) = 1",
       [](Program& p) { p.store_immediate(Size::Word, Reg::R10, -6, 1); }},
      {"misaligned access at instruction 0: r0 = *(u32 *)(r1 +2)",
       [](Program& p) { p.load(Size::Word, Reg::R0, Reg::R1, 2); }},
      {"misaligned access at instruction 2: lock *(u64 *)(r6 +0) += r2",
       [](Program& p) {
         p.load_map(Reg::R6, {"m", 4});
         p.load_immediate(Reg::R2, 1);
         p.atomic(Atomic::Add, Size::Double, Reg::R6, 0, Reg::R2);
       }},
      {"out of bounds write at instruction 1: *(u64 *)(r6 +0) = 1: 8 bytes at value of m +12",
       [](Program& p) {
         p.load_map(Reg::R6, {"m", 12});
         p.store_immediate(Size::Double, Reg::R6, 0, 1);
       }},
      {"out of bounds address at instruction 0: r6 = map_value[m] +16: m +16",
       [](Program& p) { p.load_map(Reg::R6, {"m", 16}); }},
      {"no such map at instruction 0: r6 = map[x]: x", [](Program& p) { p.load_map(Reg::R6, {"x"}); }},
      {"out of bounds read at instruction 1: r0 = *(u8 *)(r6 +0)",
       [](Program& p) {
         p.load_map(Reg::R6, {"m"});
         p.load(Size::Byte, Reg::R0, Reg::R6, 0);
       }},
      {"write to the frame pointer at instruction 0", [](Program& p) { p.alu(Alu::Add, Reg::R10, 8); }},
      {"unknown helper at instruction 0: call bpf_trace_printk#6: bpf_trace_printk",
       [](Program& p) { p.call(BPF_FUNC_trace_printk); }},
      {"step limit at instruction 0: if r1 != 0 goto L0: 1000 steps",
       [](Program& p) {
         const Label top = p.new_label();
         p.place(top);
         p.jump_if(Cond::Ne, Reg::R1, 0, top);
       }},
      {"unreachable code at instruction 1: r0 = 1",
       [](Program& p) {
         const Label end = p.new_label();
         p.jump(end);
         p.load_immediate(Reg::R0, 1);
         p.place(end);
       }},
      {"unreleased record at instruction 4: exit",
       [](Program& p) {
         p.load_map(Reg::R1, {"ring"});
         p.load_immediate(Reg::R2, 8);
         p.load_immediate(Reg::R3, 0);
         p.call(BPF_FUNC_ringbuf_reserve);
       }},
      {"BPF instruction 0 (a step), `r1 += 4294967296`: immediate 4294967296 does not fit",
       [](Program& p) { p.alu(Alu::Add, Reg::R1, std::int64_t{1} << 32); }},
  };
  for (const Row& row : rows) {
    const std::string message = error_of(row.build);
    INFO(message);
    INFO(row.message);
    CHECK(message.find(row.message) == 0);
  }
}

TEST_CASE("a program without an exit is stopped at its end", "[interpreter]") {
  TestKernel kernel;
  Program program;
  program.load_immediate(Reg::R0, 1);
  const Result<std::uint64_t> result = interpret(program, kernel);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message == "the program ends without an exit");
}

TEST_CASE("bad loads can read zero, as through BTF", "[interpreter]") {
  TestKernel kernel;
  Program program;
  program.load_immediate(Reg::R1, 0);
  program.load(Size::Double, Reg::R0, Reg::R1, 64);
  program.exit();
  CHECK_FALSE(interpret(program, kernel).has_value());
  CHECK(interpret(program, kernel, {}, {.bad_loads_read_zero = true}).value() == 0);
}

TEST_CASE("two programs interleave on one kernel, step by step", "[interpreter]") {
  TestKernel kernel(2);
  kernel.add_map("m", BPF_MAP_TYPE_ARRAY, 4, 8, 1);
  Program program;  // an increment that is not atomic
  program.load_map(Reg::R6, {"m", 0});
  program.load(Size::Double, Reg::R1, Reg::R6, 0);
  program.alu(Alu::Add, Reg::R1, 1);
  program.store(Size::Double, Reg::R6, 0, Reg::R1);
  program.load_immediate(Reg::R0, 0);
  program.exit();
  Interpreter first(program, kernel, {});
  Interpreter second(program, kernel, {});
  REQUIRE(first.step().value());
  REQUIRE(first.step().value());
  CHECK(first.position() == 2);
  CHECK(second.run().value() == 0);
  CHECK(first.run().value() == 0);
  CHECK_FALSE(first.step().value());
  CHECK(kernel.value("m")[0] == 1);
  CHECK(first.executed() == std::vector<std::uint64_t>(6, 1));
}

}  // namespace
}  // namespace tpx::test
