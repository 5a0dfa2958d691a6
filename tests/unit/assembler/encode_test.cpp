#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "assembler/program.h"
#include "catch.h"

namespace tpx::assembler {
namespace {

using Bytes = std::array<std::uint8_t, 8>;

Bytes bytes_of(const bpf_insn& instruction) {
  Bytes bytes{};
  static_assert(sizeof instruction == sizeof bytes);
  std::memcpy(bytes.data(), &instruction, sizeof bytes);
  return bytes;
}

Result<Encoded> encode(const Program& program) {
  return program.encode([](const std::string& name) { return name == "missing" ? -1 : 7; });
}

struct Form {
  std::string text;
  std::function<void(Program&)> build;
  std::vector<Bytes> bytes;
};

/// Every form with the bytes that the instruction set document gives it (Documentation/bpf/standardization); on a
/// little-endian machine `dst` is the low half of the second byte.
const std::vector<Form>& memory_forms() {
  static const std::vector<Form> forms = {
      {"r1 = *(u8 *)(r6 +24)", [](Program& p) { p.load(Size::Byte, Reg::R1, Reg::R6, 24); }, {{0x71, 0x61, 24}}},
      {"r1 = *(u16 *)(r6 +24)", [](Program& p) { p.load(Size::Half, Reg::R1, Reg::R6, 24); }, {{0x69, 0x61, 24}}},
      {"r1 = *(u32 *)(r6 +24)", [](Program& p) { p.load(Size::Word, Reg::R1, Reg::R6, 24); }, {{0x61, 0x61, 24}}},
      {"r1 = *(u64 *)(r10 -8)",
       [](Program& p) { p.load(Size::Double, Reg::R1, Reg::R10, -8); },
       {{0x79, 0xa1, 0xf8, 0xff}}},
      {"*(u8 *)(r10 -1) = r2",
       [](Program& p) { p.store(Size::Byte, Reg::R10, -1, Reg::R2); },
       {{0x73, 0x2a, 0xff, 0xff}}},
      {"*(u16 *)(r10 -2) = r2",
       [](Program& p) { p.store(Size::Half, Reg::R10, -2, Reg::R2); },
       {{0x6b, 0x2a, 0xfe, 0xff}}},
      {"*(u32 *)(r10 -4) = r2",
       [](Program& p) { p.store(Size::Word, Reg::R10, -4, Reg::R2); },
       {{0x63, 0x2a, 0xfc, 0xff}}},
      {"*(u64 *)(r1 +256) = r2",
       [](Program& p) { p.store(Size::Double, Reg::R1, 256, Reg::R2); },
       {{0x7b, 0x21, 0, 1}}},
      {"*(u8 *)(r1 +0) = 255",
       [](Program& p) { p.store_immediate(Size::Byte, Reg::R1, 0, 255); },
       {{0x72, 0x01, 0, 0, 0xff}}},
      {"*(u16 *)(r1 +0) = 5",
       [](Program& p) { p.store_immediate(Size::Half, Reg::R1, 0, 5); },
       {{0x6a, 0x01, 0, 0, 5}}},
      {"*(u32 *)(r1 +0) = 4294967295",
       [](Program& p) { p.store_immediate(Size::Word, Reg::R1, 0, 0xffffffff); },
       {{0x62, 0x01, 0, 0, 0xff, 0xff, 0xff, 0xff}}},
      {"*(u64 *)(r1 +8) = -2",
       [](Program& p) { p.store_immediate(Size::Double, Reg::R1, 8, -2); },
       {{0x7a, 0x01, 8, 0, 0xfe, 0xff, 0xff, 0xff}}},
      {"r3 = 0x123456789a ll",
       [](Program& p) { p.load_immediate(Reg::R3, 0x123456789a); },
       {{0x18, 0x03, 0, 0, 0x9a, 0x78, 0x56, 0x34}, {0, 0, 0, 0, 0x12}}},
      {"r3 = 0x80000000 ll",
       [](Program& p) { p.load_immediate(Reg::R3, 0x80000000); },
       {{0x18, 0x03, 0, 0, 0, 0, 0, 0x80}, {}}},
      {"r3 = -1", [](Program& p) { p.load_immediate(Reg::R3, -1); }, {{0xb7, 0x03, 0, 0, 0xff, 0xff, 0xff, 0xff}}},
      {"r3 = 2147483647",
       [](Program& p) { p.load_immediate(Reg::R3, 0x7fffffff); },
       {{0xb7, 0x03, 0, 0, 0xff, 0xff, 0xff, 0x7f}}},
      {"r1 = map[runs_total]", [](Program& p) { p.load_map(Reg::R1, {"runs_total"}); }, {{0x18, 0x11, 0, 0, 7}, {}}},
      {"r1 = map_value[runs_total] +128",
       [](Program& p) { p.load_map(Reg::R1, {"runs_total", 128}); },
       {{0x18, 0x21, 0, 0, 7}, {0, 0, 0, 0, 128}}},
      {"r1 = map_value[runs_total] +0",
       [](Program& p) { p.load_map(Reg::R1, {"runs_total", 0}); },
       {{0x18, 0x21, 0, 0, 7}, {}}},
  };
  return forms;
}

Form atomic_form(Atomic op, Size size, std::string text, std::uint8_t low, std::uint8_t opcode) {
  return {std::move(text),
          [op, size](Program& p) { p.atomic(op, size, Reg::R2, 8, Reg::R1); },
          {{opcode, 0x12, 8, 0, low}}};
}

const std::vector<Form>& other_forms() {
  static const std::vector<Form> forms = {
      atomic_form(Atomic::Add, Size::Double, "lock *(u64 *)(r2 +8) += r1", 0x00, 0xdb),
      atomic_form(Atomic::Add, Size::Word, "lock *(u32 *)(r2 +8) += r1", 0x00, 0xc3),
      atomic_form(Atomic::Or, Size::Double, "lock *(u64 *)(r2 +8) |= r1", 0x40, 0xdb),
      atomic_form(Atomic::And, Size::Double, "lock *(u64 *)(r2 +8) &= r1", 0x50, 0xdb),
      atomic_form(Atomic::FetchAdd, Size::Double, "r1 = atomic_fetch_add((u64 *)(r2 +8), r1)", 0x01, 0xdb),
      atomic_form(Atomic::FetchOr, Size::Word, "r1 = atomic_fetch_or((u32 *)(r2 +8), r1)", 0x41, 0xc3),
      atomic_form(Atomic::FetchAnd, Size::Double, "r1 = atomic_fetch_and((u64 *)(r2 +8), r1)", 0x51, 0xdb),
      atomic_form(Atomic::Exchange, Size::Double, "r1 = atomic_xchg((u64 *)(r2 +8), r1)", 0xe1, 0xdb),
      atomic_form(Atomic::CompareExchange, Size::Double, "r0 = atomic_cmpxchg((u64 *)(r2 +8), r0, r1)", 0xf1, 0xdb),
      {"r4 = -r4", [](Program& p) { p.negate(Reg::R4); }, {{0x87, 0x04}}},
      {"w4 = -w4", [](Program& p) { p.alu32(Alu::Neg, Reg::R4, 0); }, {{0x84, 0x04}}},
      {"r4 = be16 r4", [](Program& p) { p.to_big_endian(Reg::R4, 16); }, {{0xdc, 0x04, 0, 0, 16}}},
      {"r4 = be32 r4", [](Program& p) { p.to_big_endian(Reg::R4, 32); }, {{0xdc, 0x04, 0, 0, 32}}},
      {"r4 = be64 r4", [](Program& p) { p.to_big_endian(Reg::R4, 64); }, {{0xdc, 0x04, 0, 0, 64}}},
      {"r8 = r9", [](Program& p) { p.move(Reg::R8, Reg::R9); }, {{0xbf, 0x98}}},
      {"w8 *= -1640531535",
       [](Program& p) { p.alu32(Alu::Mul, Reg::R8, -1640531535); },
       {{0x24, 0x08, 0, 0, 0xb1, 0x79, 0x37, 0x9e}}},
      {"w8 *= 2654435761",
       [](Program& p) { p.alu32(Alu::Mul, Reg::R8, 2654435761); },
       {{0x24, 0x08, 0, 0, 0xb1, 0x79, 0x37, 0x9e}}},
      {"call bpf_get_current_comm#16", [](Program& p) { p.call(BPF_FUNC_get_current_comm); }, {{0x85, 0, 0, 0, 16}}},
      {"call helper#9999", [](Program& p) { p.call(9999); }, {{0x85, 0, 0, 0, 0x0f, 0x27}}},
      {"exit", [](Program& p) { p.exit(); }, {{0x95}}},
  };
  return forms;
}

void check(const Form& form) {
  INFO(form.text);
  Program program;
  form.build(program);
  REQUIRE(program.instructions().size() == 1);
  CHECK(disassemble(program.instructions()[0]) == form.text);
  const Result<Encoded> encoded = encode(program);
  REQUIRE(encoded.has_value());
  REQUIRE(encoded->instructions.size() == form.bytes.size());
  for (std::size_t i = 0; i < form.bytes.size(); ++i) {
    CHECK(bytes_of(encoded->instructions[i]) == form.bytes[i]);
    CHECK(encoded->origin[i] == 0);
  }
}

TEST_CASE("each memory form has its exact bytes and text", "[assembler]") {
  for (const Form& form : memory_forms()) {
    check(form);
  }
}

TEST_CASE("each atomic, conversion, call and exit has its exact bytes and text", "[assembler]") {
  for (const Form& form : other_forms()) {
    check(form);
  }
}

TEST_CASE("each arithmetic operation has its opcodes in both widths", "[assembler]") {
  struct Row {
    Alu op;
    std::uint8_t opcode;  // of the 64-bit form with an immediate
    std::string symbol;
  };
  const std::vector<Row> rows = {{Alu::Add, 0x07, "+="},  {Alu::Sub, 0x17, "-="},  {Alu::Mul, 0x27, "*="},
                                 {Alu::Div, 0x37, "/="},  {Alu::Or, 0x47, "|="},   {Alu::And, 0x57, "&="},
                                 {Alu::Lsh, 0x67, "<<="}, {Alu::Rsh, 0x77, ">>="}, {Alu::Mod, 0x97, "%="},
                                 {Alu::Xor, 0xa7, "^="},  {Alu::Mov, 0xb7, "="},   {Alu::Arsh, 0xc7, "s>>="}};
  for (const Row& row : rows) {
    const auto with = [&](int change) { return static_cast<std::uint8_t>(row.opcode + change); };
    check({"r1 " + row.symbol + " 5", [&](Program& p) { p.alu(row.op, Reg::R1, 5); }, {{row.opcode, 1, 0, 0, 5}}});
    check({"r1 " + row.symbol + " r2", [&](Program& p) { p.alu(row.op, Reg::R1, Reg::R2); }, {{with(8), 0x21}}});
    check({"w1 " + row.symbol + " 5", [&](Program& p) { p.alu32(row.op, Reg::R1, 5); }, {{with(-3), 1, 0, 0, 5}}});
    check({"w1 " + row.symbol + " w2", [&](Program& p) { p.alu32(row.op, Reg::R1, Reg::R2); }, {{with(5), 0x21}}});
  }
}

TEST_CASE("each condition has its opcodes", "[assembler]") {
  struct Row {
    Cond cond;
    std::uint8_t opcode;  // with an immediate
    std::string symbol;
  };
  const std::vector<Row> rows = {{Cond::Eq, 0x15, "=="},   {Cond::Ne, 0x55, "!="},   {Cond::Gt, 0x25, ">"},
                                 {Cond::Ge, 0x35, ">="},   {Cond::Lt, 0xa5, "<"},    {Cond::Le, 0xb5, "<="},
                                 {Cond::SGt, 0x65, "s>"},  {Cond::SGe, 0x75, "s>="}, {Cond::SLt, 0xc5, "s<"},
                                 {Cond::SLe, 0xd5, "s<="}, {Cond::Set, 0x45, "&"}};
  for (const Row& row : rows) {
    INFO(row.symbol);
    Program program;
    const Label here = program.new_label();
    program.place(here);
    program.jump_if(row.cond, Reg::R1, -5, here);
    program.jump_if(row.cond, Reg::R1, Reg::R2, here);
    CHECK(disassemble(program.instructions()[0]) == "if r1 " + row.symbol + " -5 goto L0");
    CHECK(disassemble(program.instructions()[1]) == "if r1 " + row.symbol + " r2 goto L0");
    const Result<Encoded> encoded = encode(program);
    REQUIRE(encoded.has_value());
    CHECK(bytes_of(encoded->instructions[0]) == Bytes{row.opcode, 1, 0xff, 0xff, 0xfb, 0xff, 0xff, 0xff});
    CHECK(bytes_of(encoded->instructions[1]) == Bytes{static_cast<std::uint8_t>(row.opcode + 8), 0x21, 0xfe, 0xff});
  }
}

TEST_CASE("extensions take the shortest form", "[assembler]") {
  const auto listing = [](const std::function<void(Program&)>& build) {
    Program program;
    build(program);
    std::vector<std::string> lines;
    for (const Instruction& instruction : program.instructions()) {
      lines.push_back(disassemble(instruction));
    }
    return lines;
  };
  using Lines = std::vector<std::string>;
  CHECK(listing([](Program& p) { p.sign_extend(Reg::R1, 16); }) == Lines{"r1 <<= 48", "r1 s>>= 48"});
  CHECK(listing([](Program& p) { p.sign_extend(Reg::R1, 64); }).empty());
  CHECK(listing([](Program& p) { p.zero_extend(Reg::R1, 8); }) == Lines{"r1 &= 255"});
  CHECK(listing([](Program& p) { p.zero_extend(Reg::R1, 31); }) == Lines{"r1 &= 2147483647"});
  CHECK(listing([](Program& p) { p.zero_extend(Reg::R1, 32); }) == Lines{"w1 = w1"});
  CHECK(listing([](Program& p) { p.zero_extend(Reg::R1, 40); }) == Lines{"r1 <<= 24", "r1 >>= 24"});
  CHECK(listing([](Program& p) { p.zero_extend(Reg::R1, 64); }).empty());
}

TEST_CASE("what does not fit its field is an error that names the step", "[assembler]") {
  struct Row {
    std::string message;
    std::function<void(Program&)> build;
  };
  const std::vector<Row> rows = {
      {"`r1 = *(u64 *)(r6 +32768)`: offset 32768 does not fit",
       [](Program& p) { p.load(Size::Double, Reg::R1, Reg::R6, 32768); }},
      {"offset -32769 does not fit", [](Program& p) { p.store(Size::Byte, Reg::R6, -32769, Reg::R1); }},
      {"offset 40000 does not fit", [](Program& p) { p.store_immediate(Size::Byte, Reg::R6, 40000, 1); }},
      {"offset 40000 does not fit", [](Program& p) { p.atomic(Atomic::Add, Size::Word, Reg::R6, 40000, Reg::R1); }},
      {"immediate 2147483648 does not fit", [](Program& p) { p.alu(Alu::Add, Reg::R1, 2147483648); }},
      {"immediate -2147483649 does not fit", [](Program& p) { p.alu(Alu::And, Reg::R1, -2147483649); }},
      {"immediate 4294967296 does not fit", [](Program& p) { p.alu32(Alu::Add, Reg::R1, 4294967296); }},
      {"immediate 256 does not fit", [](Program& p) { p.store_immediate(Size::Byte, Reg::R1, 0, 256); }},
      {"immediate -129 does not fit", [](Program& p) { p.store_immediate(Size::Byte, Reg::R1, 0, -129); }},
      {"immediate 65536 does not fit", [](Program& p) { p.store_immediate(Size::Half, Reg::R1, 0, 65536); }},
      {"immediate 4294967296 does not fit", [](Program& p) { p.store_immediate(Size::Word, Reg::R1, 0, 4294967296); }},
      {"immediate 2147483648 does not fit",
       [](Program& p) { p.store_immediate(Size::Double, Reg::R1, 0, 2147483648); }},
      {"immediate 4294967295 does not fit", [](Program& p) { p.call(0xffffffff); }},
      {"shift by 64 does not fit", [](Program& p) { p.alu(Alu::Lsh, Reg::R1, 64); }},
      {"shift by 32 does not fit", [](Program& p) { p.alu32(Alu::Rsh, Reg::R1, 32); }},
      {"shift by -1 does not fit", [](Program& p) { p.alu(Alu::Arsh, Reg::R1, -1); }},
      {"shift by 64 does not fit", [](Program& p) { p.sign_extend(Reg::R1, 0); }},
      {"shift by -1 does not fit", [](Program& p) { p.zero_extend(Reg::R1, 65); }},
      {"a constant divisor of 0", [](Program& p) { p.alu(Alu::Div, Reg::R1, 0); }},
      {"a constant divisor of 0", [](Program& p) { p.alu32(Alu::Mod, Reg::R1, 0); }},
      {"negation takes no second operand", [](Program& p) { p.alu(Alu::Neg, Reg::R1, Reg::R2); }},
      {"negation takes no second operand", [](Program& p) { p.alu(Alu::Neg, Reg::R1, 1); }},
      {"16, 32 or 64 bits, not 8", [](Program& p) { p.to_big_endian(Reg::R1, 8); }},
      {"4 or 8 bytes, not 2", [](Program& p) { p.atomic(Atomic::Add, Size::Half, Reg::R1, 0, Reg::R2); }},
      {"there is no map missing", [](Program& p) { p.load_map(Reg::R1, {"missing"}); }},
      {"offset in the map's value 536870912 does not fit", [](Program& p) { p.load_map(Reg::R1, {"m", 1U << 29U}); }},
  };
  for (const Row& row : rows) {
    INFO(row.message);
    Program program;
    program.move(Reg::R2, Reg::R3);
    program.comment("count the event");
    row.build(program);
    const Result<Encoded> encoded = encode(program);
    REQUIRE_FALSE(encoded.has_value());
    CAPTURE(encoded.error().message);
    CHECK(encoded.error().message.find(row.message) != std::string::npos);
    CHECK(encoded.error().message.find("BPF instruction 1 (count the event)") == 0);
  }
}

TEST_CASE("the limits of each field are taken", "[assembler]") {
  Program program;
  program.load(Size::Double, Reg::R1, Reg::R6, 32767);
  program.load(Size::Double, Reg::R1, Reg::R6, -32768);
  program.alu(Alu::Add, Reg::R1, 2147483647);
  program.alu(Alu::Add, Reg::R1, std::numeric_limits<std::int32_t>::min());
  program.alu(Alu::Lsh, Reg::R1, 63);
  program.alu32(Alu::Lsh, Reg::R1, 31);
  program.store_immediate(Size::Byte, Reg::R1, 0, -128);
  program.load_map(Reg::R1, {"m", (1U << 29U) - 1});
  program.load_immediate(Reg::R1, std::numeric_limits<std::int64_t>::min());
  const Result<Encoded> encoded = encode(program);
  REQUIRE(encoded.has_value());
  CHECK(encoded->instructions[0].off == 32767);
  CHECK(encoded->instructions[1].off == -32768);
  CHECK(encoded->instructions[3].imm == std::numeric_limits<std::int32_t>::min());
  CHECK(encoded->instructions[10].imm == std::numeric_limits<std::int32_t>::min());
  CHECK(encoded->origin == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8});
}

TEST_CASE("without a source of descriptors a map is an error", "[assembler]") {
  Program program;
  program.load_map(Reg::R1, {"m"});
  CHECK_FALSE(program.encode({}).has_value());
}

}  // namespace
}  // namespace tpx::assembler
