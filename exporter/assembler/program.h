#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assembler/instruction.h"
#include "base/error.h"

namespace tpx::assembler {

/// What encode() gives: the kernel's instructions, and for each of them the index of the Instruction it came from (a
/// 64-bit load immediate takes two slots), by which a verifier message finds its comment.
struct Encoded {
  std::vector<bpf_insn> instructions;
  std::vector<std::uint32_t> origin;
};

/// A BPF program under construction: instructions in order, symbolic labels and maps, a comment per logical step.
/// A plain value; not thread-safe.
class Program {
 public:
  /// The comment that the next instruction carries (one logical step has one comment, on its first instruction). Two
  /// comments before one instruction are joined by "; ".
  void comment(std::string text);

  [[nodiscard]] Label new_label();
  /// The next instruction is where `label` is. Each label is placed exactly once.
  void place(Label label);

  // dst = src; dst = value (a 64-bit load immediate only when the value does not fit a sign-extended 32-bit one)
  void move(Reg dst, Reg src);
  void load_immediate(Reg dst, std::int64_t value);
  /// dst = the map, or the address in its first value.
  void load_map(Reg dst, MapRef map);

  // dst = dst OP src, 64 bits. An immediate is sign-extended from 32 bits; one that does not fit is an error at
  // encode(), and so is what the verifier refuses: a constant divisor of 0, a constant shift of the width or more.
  void alu(Alu op, Reg dst, Reg src);
  void alu(Alu op, Reg dst, std::int64_t immediate);
  /// The same on the low 32 bits; the upper half of dst becomes 0. Immediates from -2^31 to 2^32-1.
  void alu32(Alu op, Reg dst, Reg src);
  void alu32(Alu op, Reg dst, std::int64_t immediate);
  void negate(Reg dst);
  /// Big-endian conversion of the low `bits` (16, 32, 64) of dst; the rest becomes 0.
  void to_big_endian(Reg dst, int bits);
  /// Sign-extends the low `bits` (1 to 64) of dst, by two shifts; 64 makes no instruction.
  void sign_extend(Reg dst, int bits);
  /// Zero-extends the low `bits` (1 to 64) of dst: a mask below 32, a 32-bit move at 32, two shifts above.
  void zero_extend(Reg dst, int bits);

  /// dst = *(size*)(base + offset), zero-extended.
  void load(Size size, Reg dst, Reg base, std::int64_t offset);
  /// *(size*)(base + offset) = src.
  void store(Size size, Reg base, std::int64_t offset, Reg src);
  /// *(size*)(base + offset) = immediate. For Double sign-extended from 32 bits; for the others a value that `size`
  /// holds, signed or unsigned.
  void store_immediate(Size size, Reg base, std::int64_t offset, std::int64_t immediate);
  /// Atomic on *(size*)(base + offset), size Word or Double, with src. The fetching forms and Exchange leave the old
  /// value in src; CompareExchange compares with R0, stores src when equal, and leaves the old value in R0.
  void atomic(Atomic op, Size size, Reg base, std::int64_t offset, Reg src);

  void jump(Label target);
  void jump_if(Cond cond, Reg dst, Reg src, Label target);
  void jump_if(Cond cond, Reg dst, std::int64_t immediate, Label target);

  /// Calls a helper by its number (enum bpf_func_id).
  void call(std::uint32_t helper);
  void exit();

  /// Takes out what no path from the start reaches (the verifier refuses unreachable instructions) and jumps to the next
  /// instruction. To be called once, when everything is placed.
  void drop_unreachable();

  [[nodiscard]] const std::vector<Instruction>& instructions() const { return instructions_; }
  /// Where each label was placed, by Label::id: an instruction index, or -1.
  [[nodiscard]] const std::vector<std::int64_t>& labels() const { return labels_; }
  /// The symbolic names of all maps referred to, each once, in order of first use.
  [[nodiscard]] std::vector<std::string> maps() const;
  /// The comment of the logical step that instruction `index` belongs to: its own, or the nearest before it; "" when
  /// there is none.
  [[nodiscard]] std::string_view step(std::size_t index) const;

  /// The one place where jump offsets and map descriptors enter. `descriptor` gives the descriptor of a map name, a
  /// negative number when there is none. Fails, naming the step, on a label never placed, placed twice, placed where no
  /// instruction follows or made by another program, on a map without descriptor, and on any offset or immediate that
  /// does not fit its field.
  [[nodiscard]] Result<Encoded> encode(const std::function<int(const std::string&)>& descriptor) const;

  /// The commented listing, one instruction a line, with labels and symbolic maps: deterministic, for people and
  /// golden files.
  [[nodiscard]] std::string disassemble() const;

 private:
  void append(Instruction instruction);

  std::vector<Instruction> instructions_;
  std::vector<std::int64_t> labels_;
  std::string pending_comment_;
  std::string misuse_;  ///< the first wrong place(), for encode() to report
};

/// One instruction as text, without its comment, in the style of `bpftool prog dump xlated`: `r1 = *(u32 *)(r6 +24)`.
/// Maps and labels are symbolic: `r1 = map[NAME]`, `r1 = map_value[NAME] +8`, `if r1 != 5 goto L2`.
[[nodiscard]] std::string disassemble(const Instruction& instruction);

/// A helper's name by its number: `bpf_get_current_comm`; `helper#N` when the headers we were built with don't know it.
[[nodiscard]] std::string helper_name(std::uint32_t helper);

}  // namespace tpx::assembler
