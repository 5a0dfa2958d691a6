#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "assembler/opcode.h"
#include "assembler/program.h"

namespace tpx::assembler {

namespace {

/// Where comments begin, so that they line up behind all but the longest instructions.
constexpr std::size_t kCommentColumn = 48;

std::string_view alu_symbol(int operation) {
  switch (operation) {
    case BPF_ADD:
      return "+=";
    case BPF_SUB:
      return "-=";
    case BPF_MUL:
      return "*=";
    case BPF_DIV:
      return "/=";
    case BPF_OR:
      return "|=";
    case BPF_AND:
      return "&=";
    case BPF_LSH:
      return "<<=";
    case BPF_RSH:
      return ">>=";
    case BPF_MOD:
      return "%=";
    case BPF_XOR:
      return "^=";
    case BPF_MOV:
      return "=";
    case BPF_ARSH:
      return "s>>=";
    default:
      return "?=";
  }
}

std::string_view jump_symbol(int operation) {
  switch (operation) {
    case BPF_JEQ:
      return "==";
    case BPF_JNE:
      return "!=";
    case BPF_JGT:
      return ">";
    case BPF_JGE:
      return ">=";
    case BPF_JLT:
      return "<";
    case BPF_JLE:
      return "<=";
    case BPF_JSGT:
      return "s>";
    case BPF_JSGE:
      return "s>=";
    case BPF_JSLT:
      return "s<";
    case BPF_JSLE:
      return "s<=";
    case BPF_JSET:
      return "&";
    default:
      return "?";
  }
}

std::string reg(char letter, unsigned number) {
  std::string text(1, letter);
  text += std::to_string(number);
  return text;
}

std::string dst(const Instruction& instruction, char letter = 'r') {
  return reg(letter, static_cast<unsigned>(instruction.dst));
}

std::string src(const Instruction& instruction, char letter = 'r') {
  return reg(letter, instruction.src);
}

std::string with_sign(std::int64_t value) {
  std::string text = value < 0 ? "" : "+";
  text += std::to_string(value);
  return text;
}

/// The second operand of arithmetic and jumps.
std::string operand(const Instruction& instruction, char letter = 'r') {
  return register_operand(instruction) ? src(instruction, letter) : std::to_string(instruction.immediate);
}

/// `(u32 *)(r6 +24)`
std::string place(const Instruction& instruction, const std::string& base) {
  std::string text = "(u";
  text += std::to_string(memory_size(instruction) * 8);
  text += " *)(";
  text += base;
  text += ' ';
  text += with_sign(instruction.offset);
  text += ')';
  return text;
}

std::string alu_text(const Instruction& instruction) {
  const char letter = opcode_class(instruction) == BPF_ALU ? 'w' : 'r';
  const int operation = opcode_operation(instruction);
  if (operation == BPF_END) {
    const std::string name = BPF_SRC(instruction.opcode) == BPF_TO_BE ? " = be" : " = le";
    return dst(instruction) + name + std::to_string(instruction.immediate) + " " + dst(instruction);
  }
  if (operation == BPF_NEG) {
    return dst(instruction, letter) + " = -" + dst(instruction, letter);
  }
  std::string text = dst(instruction, letter);
  text += ' ';
  text += alu_symbol(operation);
  text += ' ';
  text += operand(instruction, letter);
  return text;
}

std::string target_text(const Instruction& instruction) {
  return instruction.target ? "L" + std::to_string(instruction.target->id) : with_sign(instruction.offset);
}

std::string jump_text(const Instruction& instruction) {
  switch (opcode_operation(instruction)) {
    case BPF_EXIT:
      return "exit";
    case BPF_CALL: {
      const auto helper = static_cast<std::uint32_t>(instruction.immediate);
      const std::string name = helper_name(helper);
      return "call " + (name.find('#') == std::string::npos ? name + "#" + std::to_string(helper) : name);
    }
    case BPF_JA:
      return "goto " + target_text(instruction);
    default: {
      std::string text = "if ";
      text += dst(instruction);
      text += ' ';
      text += jump_symbol(opcode_operation(instruction));
      text += ' ';
      text += operand(instruction);
      text += " goto ";
      text += target_text(instruction);
      return text;
    }
  }
}

/// `r1 = atomic_fetch_add((u64 *)(r0 +0), r1)`
std::string fetch_text(const Instruction& instruction, std::string_view name) {
  std::string text = src(instruction);
  text += " = atomic_";
  text += name;
  text += '(';
  text += place(instruction, dst(instruction));
  text += ", ";
  text += src(instruction);
  text += ')';
  return text;
}

std::string atomic_text(const Instruction& instruction) {
  switch (instruction.immediate) {
    case BPF_ADD | BPF_FETCH:
      return fetch_text(instruction, "fetch_add");
    case BPF_OR | BPF_FETCH:
      return fetch_text(instruction, "fetch_or");
    case BPF_AND | BPF_FETCH:
      return fetch_text(instruction, "fetch_and");
    case BPF_XCHG:
      return fetch_text(instruction, "xchg");
    case BPF_CMPXCHG:
      return "r0 = atomic_cmpxchg(" + place(instruction, dst(instruction)) + ", r0, " + src(instruction) + ")";
    default: {
      std::string text = "lock *";
      text += place(instruction, dst(instruction));
      text += ' ';
      text += alu_symbol(static_cast<int>(instruction.immediate));
      text += ' ';
      text += src(instruction);
      return text;
    }
  }
}

std::string wide_text(const Instruction& instruction) {
  std::string text = dst(instruction) + " = ";
  if (!instruction.map) {
    std::array<char, 24> hex{};
    std::snprintf(hex.data(), hex.size(), "0x%" PRIx64 " ll", static_cast<std::uint64_t>(instruction.immediate));
    return text + hex.data();
  }
  text += instruction.map->value_offset ? "map_value[" : "map[";
  text += instruction.map->name;
  text += ']';
  if (instruction.map->value_offset) {
    text += ' ';
    text += with_sign(*instruction.map->value_offset);
  }
  return text;
}

}  // namespace

std::string disassemble(const Instruction& instruction) {
  switch (opcode_class(instruction)) {
    case BPF_ALU:
    case BPF_ALU64:
      return alu_text(instruction);
    case BPF_JMP:
      return jump_text(instruction);
    case BPF_LDX:
      return dst(instruction) + " = *" + place(instruction, src(instruction));
    case BPF_ST:
      return "*" + place(instruction, dst(instruction)) + " = " + std::to_string(instruction.immediate);
    case BPF_STX:
      if (is_atomic(instruction)) {
        return atomic_text(instruction);
      }
      return "*" + place(instruction, dst(instruction)) + " = " + src(instruction);
    default:
      return is_wide(instruction) ? wide_text(instruction) : "opcode " + std::to_string(instruction.opcode);
  }
}

std::string Program::disassemble() const {
  std::string text;
  std::uint32_t slot = 0;
  const auto print_labels = [&](std::size_t index) {
    for (std::size_t id = 0; id < labels_.size(); ++id) {
      if (labels_[id] == static_cast<std::int64_t>(index)) {
        text += 'L';
        text += std::to_string(id);
        text += ":\n";
      }
    }
  };
  for (std::size_t index = 0; index < instructions_.size(); ++index) {
    const Instruction& instruction = instructions_[index];
    print_labels(index);
    std::string line = std::to_string(slot);
    line.insert(0, 4 - std::min<std::size_t>(line.size(), 4), ' ');
    line += ": ";
    line += assembler::disassemble(instruction);
    if (!instruction.comment.empty()) {
      line.resize(std::max(line.size() + 1, kCommentColumn), ' ');
      line += "; ";
      line += instruction.comment;
    }
    text += line;
    text += '\n';
    slot += slots(instruction);
  }
  print_labels(instructions_.size());
  return text;
}

std::string helper_name(std::uint32_t helper) {
  // By the macro that makes the kernel's enumeration, so that no number is ours. Its entries end in a comma in some
  // releases of the header and are separated by one in others; an initializer list takes both.
#define TPX_HELPER(name) {BPF_FUNC_##name, "bpf_" #name}
  static constexpr std::pair<std::uint32_t, std::string_view> kHelpers[] = {__BPF_FUNC_MAPPER(TPX_HELPER)};
#undef TPX_HELPER
  for (const auto& [number, name] : kHelpers) {
    if (number == helper && number != BPF_FUNC_unspec) {
      return std::string(name);
    }
  }
  return "helper#" + std::to_string(helper);
}

}  // namespace tpx::assembler
