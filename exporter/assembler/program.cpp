#include "assembler/program.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tpx::assembler {

namespace {

constexpr std::uint8_t byte(int opcode) {
  return static_cast<std::uint8_t>(opcode);
}

constexpr std::uint8_t number(Reg reg) {
  return static_cast<std::uint8_t>(reg);
}

constexpr int operation(Alu op) {
  switch (op) {
    case Alu::Add:
      return BPF_ADD;
    case Alu::Sub:
      return BPF_SUB;
    case Alu::Mul:
      return BPF_MUL;
    case Alu::Div:
      return BPF_DIV;
    case Alu::Or:
      return BPF_OR;
    case Alu::And:
      return BPF_AND;
    case Alu::Lsh:
      return BPF_LSH;
    case Alu::Rsh:
      return BPF_RSH;
    case Alu::Neg:
      return BPF_NEG;
    case Alu::Mod:
      return BPF_MOD;
    case Alu::Xor:
      return BPF_XOR;
    case Alu::Mov:
      return BPF_MOV;
    case Alu::Arsh:
      return BPF_ARSH;
  }
  return 0;
}

constexpr int operation(Cond cond) {
  switch (cond) {
    case Cond::Eq:
      return BPF_JEQ;
    case Cond::Ne:
      return BPF_JNE;
    case Cond::Gt:
      return BPF_JGT;
    case Cond::Ge:
      return BPF_JGE;
    case Cond::Lt:
      return BPF_JLT;
    case Cond::Le:
      return BPF_JLE;
    case Cond::SGt:
      return BPF_JSGT;
    case Cond::SGe:
      return BPF_JSGE;
    case Cond::SLt:
      return BPF_JSLT;
    case Cond::SLe:
      return BPF_JSLE;
    case Cond::Set:
      return BPF_JSET;
  }
  return 0;
}

constexpr int size_bits(Size size) {
  switch (size) {
    case Size::Byte:
      return BPF_B;
    case Size::Half:
      return BPF_H;
    case Size::Word:
      return BPF_W;
    case Size::Double:
      return BPF_DW;
  }
  return 0;
}

constexpr int atomic_immediate(Atomic op) {
  switch (op) {
    case Atomic::Add:
      return BPF_ADD;
    case Atomic::FetchAdd:
      return BPF_ADD | BPF_FETCH;
    case Atomic::Or:
      return BPF_OR;
    case Atomic::FetchOr:
      return BPF_OR | BPF_FETCH;
    case Atomic::And:
      return BPF_AND;
    case Atomic::FetchAnd:
      return BPF_AND | BPF_FETCH;
    case Atomic::Exchange:
      return BPF_XCHG;
    case Atomic::CompareExchange:
      return BPF_CMPXCHG;
  }
  return 0;
}

}  // namespace

void Program::append(Instruction instruction) {
  instruction.comment = std::exchange(pending_comment_, {});
  instructions_.push_back(std::move(instruction));
}

void Program::comment(std::string text) {
  if (pending_comment_.empty()) {
    pending_comment_ = std::move(text);
    return;
  }
  pending_comment_ += "; ";
  pending_comment_ += text;
}

Label Program::new_label() {
  labels_.push_back(-1);
  return Label{static_cast<std::uint32_t>(labels_.size() - 1)};
}

void Program::place(Label label) {
  const bool known = label.id < labels_.size();
  if (known && labels_[label.id] < 0) {
    labels_[label.id] = static_cast<std::int64_t>(instructions_.size());
    return;
  }
  if (misuse_.empty()) {
    misuse_ = "label L";
    misuse_ += std::to_string(label.id);
    misuse_ += known ? " is placed a second time" : ", which is not of this program, is placed";
    misuse_ += " before instruction ";
    misuse_ += std::to_string(instructions_.size());
  }
}

void Program::move(Reg dst, Reg src) {
  alu(Alu::Mov, dst, src);
}

void Program::load_immediate(Reg dst, std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    alu(Alu::Mov, dst, value);
    return;
  }
  append({.opcode = byte(BPF_LD | BPF_DW | BPF_IMM), .dst = dst, .immediate = value});
}

void Program::load_map(Reg dst, MapRef map) {
  append({.opcode = byte(BPF_LD | BPF_DW | BPF_IMM), .dst = dst, .map = std::move(map)});
}

void Program::alu(Alu op, Reg dst, Reg src) {
  append({.opcode = byte(BPF_ALU64 | BPF_X | operation(op)), .dst = dst, .src = number(src)});
}

void Program::alu(Alu op, Reg dst, std::int64_t immediate) {
  append({.opcode = byte(BPF_ALU64 | BPF_K | operation(op)), .dst = dst, .immediate = immediate});
}

void Program::alu32(Alu op, Reg dst, Reg src) {
  append({.opcode = byte(BPF_ALU | BPF_X | operation(op)), .dst = dst, .src = number(src)});
}

void Program::alu32(Alu op, Reg dst, std::int64_t immediate) {
  append({.opcode = byte(BPF_ALU | BPF_K | operation(op)), .dst = dst, .immediate = immediate});
}

void Program::negate(Reg dst) {
  alu(Alu::Neg, dst, 0);
}

void Program::to_big_endian(Reg dst, int bits) {
  append({.opcode = byte(BPF_ALU | BPF_END | BPF_TO_BE), .dst = dst, .immediate = bits});
}

void Program::sign_extend(Reg dst, int bits) {
  if (bits == 64) {
    return;
  }
  // A width that is no width becomes a shift that encode() refuses.
  alu(Alu::Lsh, dst, 64 - bits);
  alu(Alu::Arsh, dst, 64 - bits);
}

void Program::zero_extend(Reg dst, int bits) {
  if (bits == 64) {
    return;
  }
  if (bits == 32) {
    alu32(Alu::Mov, dst, dst);
  } else if (bits > 0 && bits < 32) {
    alu(Alu::And, dst, (std::int64_t{1} << bits) - 1);
  } else {
    alu(Alu::Lsh, dst, 64 - bits);
    alu(Alu::Rsh, dst, 64 - bits);
  }
}

void Program::load(Size size, Reg dst, Reg base, std::int64_t offset) {
  append({.opcode = byte(BPF_LDX | BPF_MEM | size_bits(size)), .dst = dst, .src = number(base), .offset = offset});
}

void Program::store(Size size, Reg base, std::int64_t offset, Reg src) {
  append({.opcode = byte(BPF_STX | BPF_MEM | size_bits(size)), .dst = base, .src = number(src), .offset = offset});
}

void Program::store_immediate(Size size, Reg base, std::int64_t offset, std::int64_t immediate) {
  append({.opcode = byte(BPF_ST | BPF_MEM | size_bits(size)), .dst = base, .offset = offset, .immediate = immediate});
}

void Program::atomic(Atomic op, Size size, Reg base, std::int64_t offset, Reg src) {
  append({.opcode = byte(BPF_STX | BPF_ATOMIC | size_bits(size)),
          .dst = base,
          .src = number(src),
          .offset = offset,
          .immediate = atomic_immediate(op)});
}

void Program::jump(Label target) {
  append({.opcode = byte(BPF_JMP | BPF_JA), .target = target});
}

void Program::jump_if(Cond cond, Reg dst, Reg src, Label target) {
  append({.opcode = byte(BPF_JMP | BPF_X | operation(cond)), .dst = dst, .src = number(src), .target = target});
}

void Program::jump_if(Cond cond, Reg dst, std::int64_t immediate, Label target) {
  append({.opcode = byte(BPF_JMP | BPF_K | operation(cond)), .dst = dst, .immediate = immediate, .target = target});
}

void Program::call(std::uint32_t helper) {
  append({.opcode = byte(BPF_JMP | BPF_CALL), .immediate = helper});
}

void Program::exit() {
  append({.opcode = byte(BPF_JMP | BPF_EXIT)});
}

std::vector<std::string> Program::maps() const {
  std::vector<std::string> names;
  for (const Instruction& instruction : instructions_) {
    if (instruction.map && std::find(names.begin(), names.end(), instruction.map->name) == names.end()) {
      names.push_back(instruction.map->name);
    }
  }
  return names;
}

std::string_view Program::step(std::size_t index) const {
  for (std::size_t i = std::min(index + 1, instructions_.size()); i > 0; --i) {
    if (!instructions_[i - 1].comment.empty()) {
      return instructions_[i - 1].comment;
    }
  }
  return {};
}

}  // namespace tpx::assembler
