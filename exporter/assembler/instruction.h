#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tpx::assembler {

/// BPF registers. R0 is the result, R1 to R5 the arguments of a call (lost over it), R6 to R9 survive calls, R10 is the
/// read-only frame pointer; the stack is R10-512 to R10 (Documentation/bpf/standardization/instruction-set.rst).
enum class Reg : std::uint8_t { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

/// Width of a memory access in bytes.
enum class Size : std::uint8_t { Byte = 1, Half = 2, Word = 4, Double = 8 };

/// 64-bit arithmetic. Div and Mod are unsigned; division by 0 gives 0 and modulo by 0 the dividend, as the kernel
/// defines. Shifts are masked to 6 bits.
enum class Alu : std::uint8_t { Add, Sub, Mul, Div, Or, And, Lsh, Rsh, Neg, Mod, Xor, Mov, Arsh };

/// Conditions of a 64-bit conditional jump; the S forms compare signed. Set: `dst & src` is not 0.
enum class Cond : std::uint8_t { Eq, Ne, Gt, Ge, Lt, Le, SGt, SGe, SLt, SLe, Set };

/// Atomic operations of BPF_STX | BPF_ATOMIC. Add needs Linux 5.10 (as BPF_XADD); the fetching forms, exchange and
/// compare-and-swap need 5.12.
enum class Atomic : std::uint8_t { Add, FetchAdd, Or, FetchOr, And, FetchAnd, Exchange, CompareExchange };

/// A jump target of one program. Made by Program::new_label(), placed once by Program::place().
struct Label {
  std::uint32_t id = 0;
  friend bool operator==(Label, Label) = default;
};

/// A map by its symbolic name. The loader gives each name its descriptor at encode().
struct MapRef {
  std::string name;
  /// Absent: the map itself (BPF_PSEUDO_MAP_FD). Present: the address of this byte of the first value of a
  /// one-element array (BPF_PSEUDO_MAP_VALUE).
  std::optional<std::uint32_t> value_offset = {};
  friend bool operator==(const MapRef&, const MapRef&) = default;
};

/// One instruction as a plain value. `opcode`, `dst`, `src`, `offset`, `immediate` are the fields of struct bpf_insn
/// (include/uapi/linux/bpf.h), wide enough to hold what does not fit, which encode() refuses. Build instructions with
/// the functions of program.h, not by hand.
struct Instruction {
  std::uint8_t opcode = 0;
  Reg dst = Reg::R0;
  std::uint8_t src = 0;
  std::int64_t offset = 0;
  std::int64_t immediate = 0;        ///< for a 64-bit load immediate: all 64 bits
  std::optional<Label> target = {};  ///< of a jump; replaces `offset`
  std::optional<MapRef> map = {};    ///< of a 64-bit load immediate; replaces `immediate` and `src`
  std::string comment = {};          ///< what this step does, for the disassembly and for verifier errors

  friend bool operator==(const Instruction&, const Instruction&) = default;
};

}  // namespace tpx::assembler
