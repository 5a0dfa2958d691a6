#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "assembler/opcode.h"
#include "assembler/program.h"

namespace tpx::assembler {

namespace {

constexpr std::int64_t kMin32 = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kMax32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxUnsigned32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kMin16 = std::numeric_limits<std::int16_t>::min();
constexpr std::int64_t kMax16 = std::numeric_limits<std::int16_t>::max();
/// BPF_MAX_VAR_OFF of include/linux/bpf_verifier.h: the verifier refuses a map value's address at or beyond it.
constexpr std::uint32_t kMaxValueOffset = 1U << 29U;

using Problem = std::optional<std::string>;

Problem outside(const char* what, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) {
    return {};
  }
  std::string text = what;
  text += ' ';
  text += std::to_string(value);
  text += " does not fit: it must be from ";
  text += std::to_string(low);
  text += " to ";
  text += std::to_string(high);
  return text;
}

/// What is wrong with the immediate of an ALU or ALU64 instruction.
Problem check_alu(const Instruction& instruction) {
  const bool wide = opcode_class(instruction) == BPF_ALU64;
  const int operation = opcode_operation(instruction);
  const std::int64_t immediate = instruction.immediate;
  if (operation == BPF_END) {
    if (immediate != 16 && immediate != 32 && immediate != 64) {
      return "a byte swap takes 16, 32 or 64 bits, not " + std::to_string(immediate);
    }
    return {};
  }
  if (operation == BPF_NEG) {
    if (register_operand(instruction) || immediate != 0) {
      return "negation takes no second operand";
    }
    return {};
  }
  if (register_operand(instruction)) {
    return {};
  }
  if ((operation == BPF_DIV || operation == BPF_MOD) && immediate == 0) {
    return "a constant divisor of 0";
  }
  if (operation == BPF_LSH || operation == BPF_RSH || operation == BPF_ARSH) {
    return outside("shift by", immediate, 0, wide ? 63 : 31);
  }
  return outside("immediate", immediate, kMin32, wide ? kMax32 : kMaxUnsigned32);
}

/// What is wrong with the constant of a BPF_ST: bits of it that the store would drop.
Problem check_store_immediate(const Instruction& instruction) {
  const unsigned size = memory_size(instruction);
  if (size == 8) {
    return outside("immediate", instruction.immediate, kMin32, kMax32);
  }
  const std::int64_t values = std::int64_t{1} << (size * 8);
  return outside("immediate", instruction.immediate, -values / 2, values - 1);
}

/// What is wrong with the fields of one instruction other than its jump target and map.
Problem check_fields(const Instruction& instruction) {
  switch (opcode_class(instruction)) {
    case BPF_ALU:
    case BPF_ALU64:
      return check_alu(instruction);
    case BPF_ST:
    case BPF_STX:
    case BPF_LDX: {
      if (Problem problem = outside("offset", instruction.offset, kMin16, kMax16)) {
        return problem;
      }
      if (is_atomic(instruction) && memory_size(instruction) < 4) {
        return "atomic operations are on 4 or 8 bytes, not " + std::to_string(memory_size(instruction));
      }
      return opcode_class(instruction) == BPF_ST ? check_store_immediate(instruction) : Problem{};
    }
    case BPF_JMP:
      return outside("immediate", instruction.immediate, kMin32, kMax32);
    default:
      if (instruction.map && instruction.map->value_offset.value_or(0) >= kMaxValueOffset) {
        return outside("offset in the map's value", *instruction.map->value_offset, 0, kMaxValueOffset - 1);
      }
      return {};
  }
}

Error at_instruction(const Program& program, std::size_t index, const std::string& problem) {
  std::string text = "BPF instruction ";
  text += std::to_string(index);
  if (const std::string_view step = program.step(index); !step.empty()) {
    text += " (";
    text += step;
    text += ")";
  }
  text += ", `";
  text += disassemble(program.instructions()[index]);
  text += "`: ";
  text += problem;
  return Error{std::move(text)};
}

/// The slot at which each instruction begins, and after them all the number of slots.
std::vector<std::int64_t> slot_starts(const std::vector<Instruction>& instructions) {
  std::vector<std::int64_t> starts;
  starts.reserve(instructions.size() + 1);
  std::int64_t next = 0;
  for (const Instruction& instruction : instructions) {
    starts.push_back(next);
    next += slots(instruction);
  }
  starts.push_back(next);
  return starts;
}

Problem check_label(const Program& program, Label label) {
  const auto problem = [&](const char* what) { return "label L" + std::to_string(label.id) + what; };
  if (label.id >= program.labels().size()) {
    return problem(" is not of this program");
  }
  const std::int64_t place = program.labels()[label.id];
  if (place < 0) {
    return problem(" is never placed");
  }
  if (static_cast<std::size_t>(place) >= program.instructions().size()) {
    return problem(" is placed at the end of the program, where no instruction follows");
  }
  return {};
}

Result<std::int64_t> jump_offset(const Program& program, std::size_t index, const std::vector<std::int64_t>& starts) {
  const Label target = *program.instructions()[index].target;
  if (const Problem problem = check_label(program, target)) {
    return fail(at_instruction(program, index, *problem));
  }
  const std::int64_t place = program.labels()[target.id];
  // The kernel counts from the slot after the jump.
  const std::int64_t offset = starts[static_cast<std::size_t>(place)] - starts[index + 1];
  if (const Problem problem = outside("jump distance", offset, kMin16, kMax16)) {
    return fail(at_instruction(program, index, *problem));
  }
  return offset;
}

bpf_insn fields(const Instruction& instruction, std::int64_t offset, std::uint64_t immediate) {
  bpf_insn out{};
  out.code = instruction.opcode;
  out.dst_reg = static_cast<std::uint8_t>(instruction.dst) & 0xfU;
  out.src_reg = instruction.src & 0xfU;
  out.off = static_cast<std::int16_t>(offset);
  // Checked before; the low half of 64 bits and unsigned constants keep their bits.
  out.imm = static_cast<std::int32_t>(static_cast<std::uint32_t>(immediate));
  return out;
}

void append_wide(const Instruction& instruction, std::vector<bpf_insn>& out) {
  const auto value = static_cast<std::uint64_t>(instruction.immediate);
  out.push_back(fields(instruction, 0, value));
  bpf_insn second{};
  second.imm = static_cast<std::int32_t>(static_cast<std::uint32_t>(value >> 32U));
  out.push_back(second);
}

void append_map(const Instruction& instruction, int descriptor, std::vector<bpf_insn>& out) {
  bpf_insn first = fields(instruction, 0, static_cast<std::uint32_t>(descriptor));
  bpf_insn second{};
  first.src_reg = BPF_PSEUDO_MAP_FD;
  if (instruction.map->value_offset) {
    first.src_reg = BPF_PSEUDO_MAP_VALUE;
    second.imm = static_cast<std::int32_t>(*instruction.map->value_offset);
  }
  out.push_back(first);
  out.push_back(second);
}

}  // namespace

Result<Encoded> Program::encode(const std::function<int(const std::string&)>& descriptor) const {
  if (!misuse_.empty()) {
    return fail(misuse_);
  }
  const std::vector<std::int64_t> starts = slot_starts(instructions_);
  Encoded encoded;
  encoded.instructions.reserve(static_cast<std::size_t>(starts.back()));
  for (std::size_t index = 0; index < instructions_.size(); ++index) {
    const Instruction& instruction = instructions_[index];
    if (const Problem problem = check_fields(instruction)) {
      return fail(at_instruction(*this, index, *problem));
    }
    if (instruction.map) {
      const int map = descriptor ? descriptor(instruction.map->name) : -1;
      if (map < 0) {
        return fail(at_instruction(*this, index, "there is no map " + instruction.map->name));
      }
      append_map(instruction, map, encoded.instructions);
    } else if (is_wide(instruction)) {
      append_wide(instruction, encoded.instructions);
    } else {
      std::int64_t offset = instruction.offset;
      if (instruction.target) {
        const Result<std::int64_t> jump = jump_offset(*this, index, starts);
        if (!jump) {
          return fail(jump.error());
        }
        offset = *jump;
      }
      encoded.instructions.push_back(fields(instruction, offset, static_cast<std::uint64_t>(instruction.immediate)));
    }
    encoded.origin.resize(encoded.instructions.size(), static_cast<std::uint32_t>(index));
  }
  // A label that nothing jumps to is a mistake of the generator as well.
  for (std::uint32_t id = 0; id < labels_.size(); ++id) {
    if (const Problem problem = check_label(*this, Label{id})) {
      return fail(*problem);
    }
  }
  return encoded;
}

}  // namespace tpx::assembler
