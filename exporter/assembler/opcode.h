#pragma once

#include <linux/bpf.h>

#include <cstdint>

#include "assembler/instruction.h"

namespace tpx::assembler {

/// The parts of an opcode byte (include/uapi/linux/bpf_common.h): three bits of class, then a source bit and four bits
/// of operation for arithmetic and jumps, or two bits of size and three of mode for memory.
[[nodiscard]] constexpr int opcode_class(const Instruction& instruction) {
  return BPF_CLASS(instruction.opcode);
}
[[nodiscard]] constexpr int opcode_operation(const Instruction& instruction) {
  return BPF_OP(instruction.opcode);
}
[[nodiscard]] constexpr int opcode_mode(const Instruction& instruction) {
  return BPF_MODE(instruction.opcode);
}
/// The second operand is a register, not the immediate.
[[nodiscard]] constexpr bool register_operand(const Instruction& instruction) {
  return BPF_SRC(instruction.opcode) == BPF_X;
}
/// Bytes that a memory instruction touches: 1, 2, 4 or 8.
[[nodiscard]] constexpr unsigned memory_size(const Instruction& instruction) {
  switch (BPF_SIZE(instruction.opcode)) {
    case BPF_B:
      return 1;
    case BPF_H:
      return 2;
    case BPF_W:
      return 4;
    default:
      return 8;
  }
}
/// A 64-bit load immediate, the one form that takes two slots.
[[nodiscard]] constexpr bool is_wide(const Instruction& instruction) {
  return instruction.opcode == (BPF_LD | BPF_DW | BPF_IMM);
}
[[nodiscard]] constexpr bool is_atomic(const Instruction& instruction) {
  return opcode_class(instruction) == BPF_STX && opcode_mode(instruction) == BPF_ATOMIC;
}
/// The slots of struct bpf_insn that the instruction takes.
[[nodiscard]] constexpr std::uint32_t slots(const Instruction& instruction) {
  return is_wide(instruction) ? 2 : 1;
}

}  // namespace tpx::assembler
