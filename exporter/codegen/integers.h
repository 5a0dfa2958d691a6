#pragma once

#include "codegen/context.h"
#include "typed/expr.h"

namespace tpx::codegen {

/// A set of scratch registers.
class Regs {
 public:
  static constexpr Regs scratch() { return Regs(0x3f); }
  [[nodiscard]] constexpr Regs without(assembler::Reg reg) const {
    return Regs(mask_ & ~(1U << static_cast<unsigned>(reg)));
  }
  [[nodiscard]] constexpr bool empty() const { return mask_ == 0; }
  [[nodiscard]] assembler::Reg any() const;
  [[nodiscard]] constexpr bool several() const { return (mask_ & (mask_ - 1)) != 0; }

 private:
  explicit constexpr Regs(unsigned mask) : mask_(mask) {}
  unsigned mask_;
};

/// Integer expressions into registers. Results are 64 bits wide, extended by their type's sign. An intermediate result
/// lives in a scratch register unless a helper is called meanwhile or registers run out: then in a stack slot.
class Integers {
 public:
  explicit Integers(Context& context) : context_(context), out_(context.out) {}

  /// dst = the value; destroys `free`, and R0 to R5 when the expression calls a helper. `free` is not empty, but for an
  /// expression without operands.
  void value(const typed::TypedExpr& bound, assembler::Reg dst, Regs free);
  void value(const typed::TypedExpr& bound, assembler::Reg dst) { value(bound, dst, Regs::scratch().without(dst)); }

  /// The same, but a pointer whose type the verifier knows stays one, to load through.
  void pointer(const typed::TypedExpr& bound, assembler::Reg dst, Regs free);
  void pointer(const typed::TypedExpr& bound, assembler::Reg dst) { pointer(bound, dst, Regs::scratch().without(dst)); }

  /// Jumps to `target` when the truth of the value is `when`. Destroys R0 to R5.
  void branch(const typed::TypedExpr& bound, assembler::Label target, bool when);

  /// A stack slot for an intermediate result, until the matching pop_spill().
  [[nodiscard]] std::int64_t push_spill();
  void pop_spill() { --spills_; }

 private:
  void special(const typed::BuiltinValue& special, assembler::Reg dst);
  void context_argument(const typed::ContextArgument& argument, assembler::Reg dst);
  void memory_load(const typed::MemoryLoad& load, assembler::Reg dst, Regs free);
  void load_unless_null(const typed::MemoryLoad& load, assembler::Reg dst, Regs free);
  void extend(assembler::Reg reg, std::uint32_t size, bool is_signed);
  void unary(const typed::UnaryExpr& unary, assembler::Reg dst, Regs free);
  void binary(const typed::BinaryExpr& binary, assembler::Reg dst, Regs free);
  void combine(const typed::BinaryExpr& binary, assembler::Reg dst, assembler::Reg other);
  void signed_division(bool modulo, assembler::Reg dst, assembler::Reg other);
  void truth(const typed::TypedExpr& bound, assembler::Reg dst);
  void highest_bit(const typed::HighestBit& bit, assembler::Reg dst, Regs free);
  void conditional(const typed::Conditional& conditional, assembler::Reg dst, Regs free);
  void compare(const typed::BinaryExpr& binary, assembler::Label target, bool when);
  /// Left in dst, right in the register that is returned.
  assembler::Reg operands(const typed::BinaryExpr& binary, assembler::Reg dst, Regs free);
  Context& context_;
  assembler::Program& out_;
  unsigned spills_ = 0;
};

}  // namespace tpx::codegen
