#include "support/interpreter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "assembler/opcode.h"

namespace tpx::test {

using assembler::Instruction;

namespace {

constexpr std::size_t kStackSize = 512;
constexpr std::uint8_t kUndefined = 0xcd;
/// R1 when the context is empty: an address that nothing is at.
constexpr std::uint64_t kNoContext = 0xbe00'0000'0000'0000;

template <class Unsigned, class Signed>
Unsigned compute(int operation, Unsigned left, Unsigned right) {
  const Unsigned shift = right & (std::numeric_limits<Unsigned>::digits - 1);
  switch (operation) {
    case BPF_ADD:
      return left + right;
    case BPF_SUB:
      return left - right;
    case BPF_MUL:
      return left * right;
    case BPF_DIV:
      return right == 0 ? 0 : left / right;
    case BPF_MOD:
      return right == 0 ? left : left % right;
    case BPF_OR:
      return left | right;
    case BPF_AND:
      return left & right;
    case BPF_XOR:
      return left ^ right;
    case BPF_LSH:
      return left << shift;
    case BPF_RSH:
      return left >> shift;
    case BPF_ARSH:
      return static_cast<Unsigned>(static_cast<Signed>(left) >> shift);
    case BPF_MOV:
      return right;
    case BPF_NEG:
      return Unsigned{0} - left;
    default:
      throw Fault{"unknown arithmetic", std::to_string(operation)};
  }
}

std::uint64_t big_endian(std::uint64_t value, std::int64_t bits) {
  std::uint64_t swapped = 0;
  for (std::int64_t done = 0; done < bits; done += 8) {
    swapped = swapped << 8U | (value >> done & 0xffU);
  }
  const std::uint64_t kept = bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
  return std::endian::native == std::endian::little ? swapped : kept;
}

bool holds(int operation, std::uint64_t left, std::uint64_t right) {
  const auto signed_left = static_cast<std::int64_t>(left);
  const auto signed_right = static_cast<std::int64_t>(right);
  switch (operation) {
    case BPF_JEQ:
      return left == right;
    case BPF_JNE:
      return left != right;
    case BPF_JGT:
      return left > right;
    case BPF_JGE:
      return left >= right;
    case BPF_JLT:
      return left < right;
    case BPF_JLE:
      return left <= right;
    case BPF_JSGT:
      return signed_left > signed_right;
    case BPF_JSGE:
      return signed_left >= signed_right;
    case BPF_JSLT:
      return signed_left < signed_right;
    case BPF_JSLE:
      return signed_left <= signed_right;
    case BPF_JSET:
      return (left & right) != 0;
    default:
      throw Fault{"unknown jump", std::to_string(operation)};
  }
}

/// The low `size` bytes of `value` in native order; both machines we run on are little-endian.
std::array<std::uint8_t, 8> bytes_of(std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  return std::bit_cast<std::array<std::uint8_t, 8>>(value);
}

/// The first instruction that control can't reach, which the verifier refuses; `size` of the program when none.
std::size_t first_unreachable(const assembler::Program& program) {
  const std::vector<Instruction>& instructions = program.instructions();
  std::vector<bool> reached(instructions.size());
  std::vector<std::size_t> open = {0};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (at >= instructions.size() || reached[at]) {
      continue;
    }
    reached[at] = true;
    const Instruction& instruction = instructions[at];
    if (instruction.target) {
      open.push_back(static_cast<std::size_t>(program.labels()[instruction.target->id]));
    }
    if (instruction.opcode != (BPF_JMP | BPF_JA) && instruction.opcode != (BPF_JMP | BPF_EXIT)) {
      open.push_back(at + 1);
    }
  }
  return static_cast<std::size_t>(std::ranges::find(reached, false) - reached.begin());
}

unsigned number(assembler::Reg reg) {
  return static_cast<unsigned>(reg);
}

}  // namespace

Interpreter::Interpreter(const assembler::Program& program, TestKernel& kernel, std::span<const std::uint8_t> context,
                         InterpreterOptions options)
    : program_(program),
      kernel_(kernel),
      options_(options),
      context_(context.begin(), context.end()),
      stack_(kStackSize, kUndefined),
      executed_(program.instructions().size()) {
  if (options.check) {
    check();
  }
  const std::uint64_t stack = address_of(stack_.data());
  kernel_.memory.add({.name = "stack",
                      .base = stack,
                      .size = kStackSize,
                      .writable = true,
                      .aligned = true,
                      .initialised = std::vector<bool>(kStackSize)});
  registers_[10] = stack + kStackSize;
  registers_[1] = kNoContext;
  if (!context_.empty()) {
    registers_[1] = kernel_.memory.add(
        {.name = "context", .base = address_of(context_.data()), .size = context_.size(), .aligned = true});
  }
}

void Interpreter::check() {
  // What can't be encoded has no meaning here either: unplaced labels, operands that don't fit.
  if (auto encoded = program_.encode([](const std::string&) { return 0; }); !encoded) {
    invalid_ = std::move(encoded.error());
  } else if (const std::size_t at = first_unreachable(program_); at < executed_.size()) {
    invalid_ = describe(at, {"unreachable code", "the verifier refuses it"});
  }
}

Interpreter::~Interpreter() {
  kernel_.memory.remove(address_of(stack_.data()));
  if (!context_.empty()) {
    kernel_.memory.remove(address_of(context_.data()));
  }
}

std::uint64_t Interpreter::read(unsigned reg) const {
  if (!registers_[reg]) {
    throw Fault{"uninitialised register", "r" + std::to_string(reg)};
  }
  return *registers_[reg];
}

void Interpreter::write(unsigned reg, std::uint64_t value) {
  if (reg == number(assembler::Reg::R10)) {
    throw Fault{"write to the frame pointer", "r10"};
  }
  registers_[reg] = value;
}

std::uint64_t Interpreter::operand(const Instruction& instruction) const {
  return register_operand(instruction) ? read(instruction.src) : static_cast<std::uint64_t>(instruction.immediate);
}

void Interpreter::arithmetic(const Instruction& instruction) {
  const int operation = opcode_operation(instruction);
  const unsigned dst = number(instruction.dst);
  const std::uint64_t left = operation == BPF_MOV ? 0 : read(dst);
  if (operation == BPF_END) {
    write(dst, big_endian(left, instruction.immediate));
    return;
  }
  const std::uint64_t right = operand(instruction);
  if (opcode_class(instruction) == BPF_ALU64) {
    write(dst, compute<std::uint64_t, std::int64_t>(operation, left, right));
  } else {
    write(dst, compute<std::uint32_t, std::int32_t>(operation, static_cast<std::uint32_t>(left),
                                                    static_cast<std::uint32_t>(right)));
  }
}

void Interpreter::jump(const Instruction& instruction) {
  const int operation = opcode_operation(instruction);
  if (operation == BPF_EXIT) {
    static_cast<void>(read(0));
    if (kernel_.open_reservations() != 0) {
      throw Fault{"unreleased record", "exit with a ring buffer record neither submitted nor discarded"};
    }
    exited_ = true;
    return;
  }
  if (operation == BPF_CALL) {
    call(static_cast<std::uint32_t>(instruction.immediate));
    return;
  }
  if (operation == BPF_JA || holds(operation, read(number(instruction.dst)), operand(instruction))) {
    position_ = static_cast<std::size_t>(program_.labels()[instruction.target.value().id]);
  }
}

void Interpreter::call(std::uint32_t helper) {
  const auto known = kernel_.helpers.find(helper);
  if (known == kernel_.helpers.end()) {
    throw Fault{"unknown helper", assembler::helper_name(helper)};
  }
  Arguments arguments{};
  for (unsigned i = 0; i < known->second.arguments; ++i) {
    arguments[i] = read(i + 1);
  }
  const std::uint64_t result = known->second.run(arguments);
  for (unsigned reg = 1; reg <= 5; ++reg) {
    registers_[reg].reset();
  }
  write(0, result);
}

void Interpreter::load(const Instruction& instruction) {
  const unsigned size = memory_size(instruction);
  const std::uint64_t address = read(instruction.src) + static_cast<std::uint64_t>(instruction.offset);
  std::array<std::uint8_t, 8> bytes{};
  if (!options_.bad_loads_read_zero || kernel_.memory.find(address, size) != nullptr) {
    kernel_.memory.check_alignment(address, size, false);
    kernel_.memory.load(address, std::span(bytes).first(size));
  }
  write(number(instruction.dst), std::bit_cast<std::uint64_t>(bytes));
}

void Interpreter::store(const Instruction& instruction) {
  const unsigned size = memory_size(instruction);
  const std::uint64_t address = read(number(instruction.dst)) + static_cast<std::uint64_t>(instruction.offset);
  const bool constant = opcode_class(instruction) == BPF_ST;
  const auto bytes = bytes_of(constant ? static_cast<std::uint64_t>(instruction.immediate) : read(instruction.src));
  kernel_.memory.check_alignment(address, size, false);
  kernel_.memory.store(address, std::span(bytes).first(size));
}

void Interpreter::atomic(const Instruction& instruction) {
  const unsigned size = memory_size(instruction);
  const std::uint64_t address = read(number(instruction.dst)) + static_cast<std::uint64_t>(instruction.offset);
  const std::uint64_t value = read(instruction.src);
  kernel_.memory.check_alignment(address, size, true);
  std::array<std::uint8_t, 8> bytes{};
  kernel_.memory.load(address, std::span(bytes).first(size));
  const auto old = std::bit_cast<std::uint64_t>(bytes);
  std::uint64_t changed = value;
  if (instruction.immediate == BPF_CMPXCHG) {
    const std::uint64_t mask = size == 4 ? 0xffff'ffff : ~std::uint64_t{0};
    changed = old == (read(0) & mask) ? value : old;
  } else if (instruction.immediate != BPF_XCHG) {
    const auto operation = static_cast<int>(instruction.immediate & ~std::int64_t{BPF_FETCH});
    changed = compute<std::uint64_t, std::int64_t>(operation, old, value);
  }
  const auto result = bytes_of(changed);
  kernel_.memory.store(address, std::span(result).first(size));
  if (instruction.immediate == BPF_CMPXCHG) {
    write(0, old);
  } else if ((instruction.immediate & BPF_FETCH) != 0) {
    write(instruction.src, old);
  }
}

void Interpreter::load_wide(const Instruction& instruction) {
  const unsigned dst = number(instruction.dst);
  if (!instruction.map) {
    write(dst, static_cast<std::uint64_t>(instruction.immediate));
  } else if (!instruction.map->value_offset) {
    write(dst, kernel_.handle(instruction.map->name));
  } else {
    const std::span<std::uint8_t> value = kernel_.value(instruction.map->name);
    const std::uint32_t offset = *instruction.map->value_offset;
    if (offset >= value.size()) {
      throw Fault{"out of bounds address", instruction.map->name + " +" + std::to_string(offset)};
    }
    write(dst, address_of(value.data()) + offset);
  }
}

void Interpreter::execute(const Instruction& instruction) {
  switch (opcode_class(instruction)) {
    case BPF_ALU:
    case BPF_ALU64:
      return arithmetic(instruction);
    case BPF_JMP:
      return jump(instruction);
    case BPF_LDX:
      return load(instruction);
    case BPF_ST:
      return store(instruction);
    case BPF_STX:
      return is_atomic(instruction) ? atomic(instruction) : store(instruction);
    default:
      return load_wide(instruction);
  }
}

Error Interpreter::describe(std::size_t at, const Fault& fault) const {
  std::string text = fault.kind + " at instruction " + std::to_string(at) + ": ";
  text += disassemble(program_.instructions()[at]) + ": " + fault.detail;
  if (const std::string_view comment = program_.step(at); !comment.empty()) {
    text += " (";
    text += comment;
    text += ")";
  }
  return Error{std::move(text)};
}

Result<bool> Interpreter::step() {
  if (invalid_) {
    return fail(*invalid_);
  }
  if (exited_) {
    return false;
  }
  const std::size_t at = position_;
  if (at >= executed_.size()) {
    return fail("the program ends without an exit");
  }
  const Instruction& instruction = program_.instructions()[at];
  try {
    if (++steps_ > options_.step_limit) {
      throw Fault{"step limit", std::to_string(options_.step_limit) + " steps"};
    }
    ++executed_[at];
    position_ = at + 1;
    execute(instruction);
  } catch (const Fault& fault) {
    return fail(describe(at, fault));
  }
  return !exited_;
}

Result<std::uint64_t> Interpreter::run() {
  for (;;) {
    const Result<bool> more = step();
    if (!more) {
      return fail(more.error());
    }
    if (!*more) {
      return registers_[0].value();
    }
  }
}

Result<std::uint64_t> interpret(const assembler::Program& program, TestKernel& kernel,
                                std::span<const std::uint8_t> context, InterpreterOptions options) {
  return Interpreter(program, kernel, context, options).run();
}

}  // namespace tpx::test
