#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#include "assembler/program.h"
#include "catch.h"
#include "support/interpreter.h"
#include "support/random_program.h"

namespace tpx::test {
namespace {

using assembler::Alu;
using assembler::Program;
using assembler::Reg;

struct Step {
  Alu op;
  bool wide;
  std::optional<unsigned> source;  ///< a register; else the immediate
  unsigned destination;
  std::int32_t immediate;
};

/// The instruction set's arithmetic once more, in 128-bit integers and by its definitions instead of C++'s operators
/// where these have corners.
std::uint64_t reference(Alu op, bool wide, std::uint64_t left_word, std::uint64_t right_word) {
  __extension__ using Wide = unsigned __int128;
  const unsigned bits = wide ? 64 : 32;
  const Wide modulus = Wide{1} << bits;
  const Wide left = left_word % modulus;
  const Wide right = right_word % modulus;
  const auto shift = static_cast<unsigned>(right % bits);
  Wide result = 0;
  switch (op) {
    case Alu::Add:
      result = left + right;
      break;
    case Alu::Sub:
      result = left + modulus - right;
      break;
    case Alu::Mul:
      result = left * right;
      break;
    case Alu::Div:
      result = right == 0 ? 0 : left / right;
      break;
    case Alu::Mod:
      result = right == 0 ? left : left - left / right * right;
      break;
    case Alu::Or:
      result = left + right - (left & right);
      break;
    case Alu::And:
      result = left & right;
      break;
    case Alu::Xor:
      result = left + right - 2 * (left & right);
      break;
    case Alu::Lsh:
      result = left * (Wide{1} << shift);
      break;
    case Alu::Rsh:
      result = left / (Wide{1} << shift);
      break;
    case Alu::Arsh: {
      const Wide ones = left >= modulus / 2 ? modulus - (modulus >> shift) : 0;
      result = left / (Wide{1} << shift) + ones;
      break;
    }
    case Alu::Mov:
      result = right;
      break;
    case Alu::Neg:
      result = modulus - left;
      break;
  }
  return static_cast<std::uint64_t>(result % modulus);
}

std::uint64_t word() {
  return *rc::gen::oneOf(rc::gen::arbitrary<std::uint64_t>(), rc::gen::inRange<std::uint64_t>(0, 70),
                         rc::gen::element<std::uint64_t>(~std::uint64_t{0}, 1ULL << 31U, 1ULL << 32U, 1ULL << 63U,
                                                         0xffff'ffffULL, 0x7fff'ffffULL));
}

Step step() {
  Step made{};
  made.op = static_cast<Alu>(*rc::gen::inRange(0, 13));
  made.wide = *rc::gen::arbitrary<bool>();
  made.destination = *rc::gen::inRange(0U, 10U);
  made.immediate = static_cast<std::int32_t>(word());
  const bool shift = made.op == Alu::Lsh || made.op == Alu::Rsh || made.op == Alu::Arsh;
  if (shift) {
    made.immediate = *rc::gen::inRange(0, made.wide ? 64 : 32);
  } else if ((made.op == Alu::Div || made.op == Alu::Mod) && made.immediate == 0) {
    made.immediate = -7;
  }
  if (made.op == Alu::Neg) {
    made.immediate = 0;
  } else if (*rc::gen::arbitrary<bool>()) {
    made.source = *rc::gen::inRange(0U, 10U);
  }
  return made;
}

void append(Program& program, const Step& step) {
  const auto dst = static_cast<Reg>(step.destination);
  if (step.source) {
    const auto src = static_cast<Reg>(*step.source);
    step.wide ? program.alu(step.op, dst, src) : program.alu32(step.op, dst, src);
  } else {
    step.wide ? program.alu(step.op, dst, step.immediate) : program.alu32(step.op, dst, step.immediate);
  }
}

TEST_CASE("random arithmetic gives what 128-bit integers give", "[property]") {
  CHECK(rc::check("arithmetic", [] {
    std::array<std::uint64_t, 10> registers{};
    Program program;
    for (unsigned i = 0; i < registers.size(); ++i) {
      registers[i] = word();
      program.load_immediate(static_cast<Reg>(i), static_cast<std::int64_t>(registers[i]));
    }
    const int length = *rc::gen::inRange(1, 30);
    for (int i = 0; i < length; ++i) {
      const Step made = step();
      append(program, made);
      const std::uint64_t operand =
          made.source ? registers[*made.source] : static_cast<std::uint64_t>(std::int64_t{made.immediate});
      registers[made.destination] = reference(made.op, made.wide, registers[made.destination], operand);
    }
    // R0 by R0, the others one by one.
    const unsigned shown = *rc::gen::inRange(0U, 10U);
    program.move(Reg::R0, static_cast<Reg>(shown));
    program.exit();
    TestKernel kernel;
    const Result<std::uint64_t> result = interpret(program, kernel);
    RC_ASSERT(result.has_value());
    RC_ASSERT(*result == registers[shown]);
  }));
}

TEST_CASE("extensions and byte swaps give what C++ casts give", "[property]") {
  CHECK(rc::check("conversions", [] {
    const std::uint64_t value = word();
    const int bits = *rc::gen::inRange(1, 65);
    const auto convert = [&](auto&& build) {
      Program program;
      program.load_immediate(Reg::R0, static_cast<std::int64_t>(value));
      build(program);
      program.exit();
      TestKernel kernel;
      return interpret(program, kernel).value();
    };
    std::uint64_t zero = 0;
    for (int bit = 0; bit < bits; ++bit) {
      zero |= value & (std::uint64_t{1} << bit);
    }
    std::uint64_t sign = zero;
    for (int bit = bits; bit < 64; ++bit) {
      sign |= (value >> (bits - 1) & 1U) << bit;
    }
    RC_ASSERT(convert([&](Program& p) { p.zero_extend(Reg::R0, bits); }) == zero);
    RC_ASSERT(convert([&](Program& p) { p.sign_extend(Reg::R0, bits); }) == sign);
    RC_ASSERT(convert([&](Program& p) { p.to_big_endian(Reg::R0, 16); }) ==
              __builtin_bswap16(static_cast<std::uint16_t>(value)));
    RC_ASSERT(convert([&](Program& p) { p.to_big_endian(Reg::R0, 32); }) ==
              __builtin_bswap32(static_cast<std::uint32_t>(value)));
    RC_ASSERT(convert([&](Program& p) { p.to_big_endian(Reg::R0, 64); }) == __builtin_bswap64(value));
  }));
}

TEST_CASE("random programs encode, list every instruction and run to their end", "[property]") {
  CHECK(rc::check("programs", [] {
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
    const Program program = random_program(random, *rc::gen::inRange<std::size_t>(1, 200), "scratch");
    const auto encoded = program.encode([](const std::string&) { return 3; });
    RC_ASSERT(encoded.has_value());
    RC_ASSERT(encoded->origin.back() + 1 == program.instructions().size());
    RC_ASSERT(std::is_sorted(encoded->origin.begin(), encoded->origin.end()));
    const std::string listing = program.disassemble();
    RC_ASSERT(static_cast<std::size_t>(std::count(listing.begin(), listing.end(), '\n')) ==
              program.instructions().size() + program.labels().size());
    TestKernel kernel;
    kernel.add_map("scratch", BPF_MAP_TYPE_ARRAY, 4, kScratchBytes, 1);
    const Result<std::uint64_t> result = interpret(program, kernel);
    RC_ASSERT(result.has_value());
    RC_ASSERT(*result == 0U);
  }));
}

}  // namespace
}  // namespace tpx::test
