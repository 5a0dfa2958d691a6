#include "codegen/integers.h"

#include <linux/bpf.h>

#include <limits>

#include "base/overloaded.h"
#include "codegen/texts.h"

namespace tpx::codegen {

using assembler::Alu;
using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;
using expression::BinaryOp;
using typed::TypedExpr;

namespace {

assembler::Size size_of(std::uint32_t bytes) {
  return static_cast<assembler::Size>(bytes);
}

bool fits_immediate(std::int64_t value) {
  return value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
}

bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::Lt && op <= BinaryOp::Ne;
}
bool is_logic(BinaryOp op) {
  return op == BinaryOp::LogicAnd || op == BinaryOp::LogicOr;
}

Cond condition(BinaryOp op, bool is_signed, bool when) {
  switch (op) {
    case BinaryOp::Lt:
      return when ? (is_signed ? Cond::SLt : Cond::Lt) : (is_signed ? Cond::SGe : Cond::Ge);
    case BinaryOp::Le:
      return when ? (is_signed ? Cond::SLe : Cond::Le) : (is_signed ? Cond::SGt : Cond::Gt);
    case BinaryOp::Gt:
      return when ? (is_signed ? Cond::SGt : Cond::Gt) : (is_signed ? Cond::SLe : Cond::Le);
    case BinaryOp::Ge:
      return when ? (is_signed ? Cond::SGe : Cond::Ge) : (is_signed ? Cond::SLt : Cond::Lt);
    case BinaryOp::Eq:
      return when ? Cond::Eq : Cond::Ne;
    default:
      return when ? Cond::Ne : Cond::Eq;
  }
}

Alu alu_of(BinaryOp op, bool is_signed) {
  switch (op) {
    case BinaryOp::Mul:
      return Alu::Mul;
    case BinaryOp::Div:
      return Alu::Div;
    case BinaryOp::Mod:
      return Alu::Mod;
    case BinaryOp::Add:
      return Alu::Add;
    case BinaryOp::Sub:
      return Alu::Sub;
    case BinaryOp::Shl:
      return Alu::Lsh;
    case BinaryOp::Shr:
      return is_signed ? Alu::Arsh : Alu::Rsh;
    case BinaryOp::BitAnd:
      return Alu::And;
    case BinaryOp::BitXor:
      return Alu::Xor;
    default:
      return Alu::Or;
  }
}

bool divides(BinaryOp op) {
  return op == BinaryOp::Div || op == BinaryOp::Mod;
}

}  // namespace

Reg Regs::any() const {
  return static_cast<Reg>(__builtin_ctz(mask_));
}

void store_release(Context& context, Size size, Reg base, std::int64_t offset, Reg src) {
#if defined(__x86_64__)
  context.out.store(size, base, offset, src);
#else
  context.out.atomic(assembler::Atomic::Exchange, size, base, offset, src);
#endif
}

void Integers::value(const TypedExpr& bound, Reg dst, Regs free) {
  pointer(bound, dst, free);
  if (bound.trusted || bound.is_pointer) {
    // The verifier lets nobody calculate with a pointer that it follows, nor, since Linux 6.17, with one that it knows to be
    // one (rdonly_untrusted_mem); what was negated is a number to it.
    out_.negate(dst);
    out_.negate(dst);
  }
}

void Integers::pointer(const TypedExpr& bound, Reg dst, Regs free) {
  std::visit(Overloaded{
                 [&](const typed::Constant& n) { out_.load_immediate(dst, n.value); },
                 [&](const typed::BuiltinValue& n) { special(n, dst); },
                 [&](const typed::DispatchIndex&) { out_.load(Size::Double, dst, kFrame, kDispatchSlot); },
                 [&](const typed::ContextLoad& n) {
                   out_.load(size_of(n.size), dst, kContext, n.offset);
                   extend(dst, n.size, n.is_signed);
                 },
                 [&](const typed::ContextArgument& n) { context_argument(n, dst); },
                 [&](const typed::MemoryLoad& n) { memory_load(n, dst, free); },
                 [&](const typed::StartValue& n) {
                   out_.load(size_of(bound.type.size), dst, kRow, 24 + std::int64_t{n.offset});
                   extend(dst, bound.type.size, bound.type.is_signed);
                 },
                 [&](const typed::UnaryExpr& n) {
                   n.op == expression::UnaryOp::LogicNot ? truth(bound, dst) : unary(n, dst, free);
                 },
                 [&](const typed::BinaryExpr& n) {
                   is_comparison(n.op) || is_logic(n.op) ? truth(bound, dst) : binary(n, dst, free);
                 },
                 [&](const typed::HighestBit& n) { highest_bit(n, dst, free); },
                 [&](const typed::Conditional& n) { conditional(n, dst, free); },
                 [&](const typed::StringCompare&) { truth(bound, dst); },
                 [&](const auto&) { context_.fail("a string stands where an integer must be"); },
             },
             bound.node);
}

void Integers::context_argument(const typed::ContextArgument& argument, Reg dst) {
  if (argument.probe) {
    out_.move(Reg::R3, kContext);
    out_.alu(Alu::Add, Reg::R3, std::int64_t{8} * argument.index);
    out_.move(Reg::R1, kFrame);
    out_.alu(Alu::Add, Reg::R1, kScratchSlot);
    out_.load_immediate(Reg::R2, 8);
    out_.call(BPF_FUNC_probe_read_kernel);
    out_.load(Size::Double, dst, kFrame, kScratchSlot);
  } else {
    out_.load(Size::Double, dst, kContext, std::int64_t{8} * argument.index);
  }
  if (argument.size < 8) {
    const int bits = static_cast<int>(argument.size * 8);
    argument.is_signed ? out_.sign_extend(dst, bits) : out_.zero_extend(dst, bits);
  }
}

void Integers::extend(Reg reg, std::uint32_t size, bool is_signed) {
  if (is_signed && size < 8) {
    out_.sign_extend(reg, static_cast<int>(size * 8));
  }
}

void Integers::special(const typed::BuiltinValue& special, Reg dst) {
  using Kind = typed::BuiltinValue::Kind;
  if (special.kind == Kind::CurrentTask && context_.task_loaded) {
    out_.move(dst, kTask);
    return;
  }
  switch (special.kind) {
    case Kind::Pid:
    case Kind::Tid:
      out_.call(BPF_FUNC_get_current_pid_tgid);
      break;
    case Kind::Uid:
    case Kind::Gid:
      out_.call(BPF_FUNC_get_current_uid_gid);
      break;
    case Kind::Cpu:
      out_.call(BPF_FUNC_get_smp_processor_id);
      break;
    case Kind::Cgroup:
      out_.call(BPF_FUNC_get_current_cgroup_id);
      break;
    case Kind::Nsecs:
      out_.call(BPF_FUNC_ktime_get_ns);
      break;
    case Kind::CurrentTask:
      out_.call(context_.features.current_task_btf ? BPF_FUNC_get_current_task_btf : BPF_FUNC_get_current_task);
      break;
    case Kind::Comm:
    case Kind::Ppid:
      context_.fail("a builtin stands where an integer must be");
      break;
  }
  if (dst != Reg::R0) {
    out_.move(dst, Reg::R0);
  }
  if (special.kind == Kind::Pid || special.kind == Kind::Gid) {
    out_.alu(Alu::Rsh, dst, 32);
  } else if (special.kind == Kind::Tid || special.kind == Kind::Uid) {
    out_.zero_extend(dst, 32);
  }
}

void Integers::memory_load(const typed::MemoryLoad& load, Reg dst, Regs free) {
  const auto* base = std::get_if<typed::BuiltinValue>(&load.base->node);
  if (load.direct) {
    if (base != nullptr && base->kind == typed::BuiltinValue::Kind::CurrentTask && context_.task_loaded) {
      out_.load(size_of(load.size), dst, kTask, load.offset);
    } else {
      pointer(*load.base, dst, free);
      if (base != nullptr) {
        out_.load(size_of(load.size), dst, dst, load.offset);
      } else {
        load_unless_null(load, dst, free);
      }
    }
  } else {
    const Label null = out_.new_label();
    pointer(*load.base, Reg::R3);
    out_.store_immediate(Size::Double, kFrame, kScratchSlot, 0);
    // Where the verifier thinks that it may be null it takes no addition before the test.
    out_.jump_if(Cond::Eq, Reg::R3, 0, null);
    out_.alu(Alu::Add, Reg::R3, load.offset);
    out_.move(Reg::R1, kFrame);
    out_.alu(Alu::Add, Reg::R1, kScratchSlot);
    out_.load_immediate(Reg::R2, load.size);
    out_.call(load.user ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel);
    if (load.user) {
      out_.jump_if(Cond::SGe, Reg::R0, 0, null);
      count_fault(context_);
    }
    out_.place(null);
    out_.load(size_of(load.size), dst, kFrame, kScratchSlot);
  }
  if (load.bit_size > 0) {
    out_.alu(Alu::Lsh, dst, 64 - std::int64_t{load.bit_offset} - load.bit_size);
    out_.alu(load.is_signed ? Alu::Arsh : Alu::Rsh, dst, 64 - std::int64_t{load.bit_size});
  } else {
    extend(dst, load.size, load.is_signed);
  }
}

/// dst = *(dst + offset), or 0 where dst is null. The verifier wants some pointers checked; of those that it thinks are
/// never null it still follows the branch, as a pointer, so the 0 is set by hand.
void Integers::load_unless_null(const typed::MemoryLoad& load, Reg dst, Regs free) {
  const Label done = out_.new_label();
  if (free.empty()) {
    const Label null = out_.new_label();
    out_.jump_if(Cond::Eq, dst, 0, null);
    out_.load(size_of(load.size), dst, dst, load.offset);
    out_.jump(done);
    out_.place(null);
    out_.load_immediate(dst, 0);
  } else {
    const Reg pointer = free.any();
    out_.move(pointer, dst);
    out_.load_immediate(dst, 0);
    out_.jump_if(Cond::Eq, pointer, 0, done);
    out_.load(size_of(load.size), dst, pointer, load.offset);
  }
  out_.place(done);
}

void Integers::unary(const typed::UnaryExpr& unary, Reg dst, Regs free) {
  value(*unary.operand, dst, free);
  if (unary.op == expression::UnaryOp::Negate) {
    out_.negate(dst);
  } else {
    out_.alu(Alu::Xor, dst, -1);
  }
}

std::int64_t Integers::push_spill() {
  if (spills_ >= kSpills) {
    context_.fail("an expression is nested too deeply to be computed on the BPF stack",
                  "split it, or drop parentheses");
    return kFirstSpill;
  }
  return kFirstSpill - 8 * static_cast<std::int64_t>(spills_++);
}

Reg Integers::operands(const typed::BinaryExpr& binary, Reg dst, Regs free) {
  value(*binary.left, dst, free);
  const Reg other = free.any();
  // One register stays free for what the right side needs besides its result.
  const bool fits = free.several() || typed::operands(*binary.right).empty();
  if (fits && !typed::takes_scratch(*binary.right)) {
    value(*binary.right, other, free.without(other));
    return other;
  }
  const std::int64_t slot = push_spill();
  out_.store(Size::Double, kFrame, slot, dst);
  value(*binary.right, dst, free);
  out_.move(other, dst);
  out_.load(Size::Double, dst, kFrame, slot);
  pop_spill();
  return other;
}

void Integers::binary(const typed::BinaryExpr& binary, Reg dst, Regs free) {
  const auto* right = std::get_if<typed::Constant>(&binary.right->node);
  const bool signed_divide = binary.is_signed && divides(binary.op);
  if (right != nullptr && fits_immediate(right->value) && !signed_divide && !(divides(binary.op) && right->value < 0)) {
    value(*binary.left, dst, free);
    out_.alu(alu_of(binary.op, binary.is_signed), dst, right->value);
    return;
  }
  combine(binary, dst, operands(binary, dst, free));
}

void Integers::combine(const typed::BinaryExpr& binary, Reg dst, Reg other) {
  if (binary.is_signed && divides(binary.op)) {
    signed_division(binary.op == BinaryOp::Mod, dst, other);
    return;
  }
  out_.alu(alu_of(binary.op, binary.is_signed), dst, other);
}

/// BPF divides unsigned before cpu v4 (Linux 6.6): divide the magnitudes, then set the sign, that of both for a quotient
/// and of the dividend for a remainder.
void Integers::signed_division(bool modulo, Reg dst, Reg other) {
  const std::int64_t slot = push_spill();
  if (!modulo) {
    out_.alu(Alu::Xor, dst, other);
  }
  out_.store(Size::Double, kFrame, slot, dst);
  if (!modulo) {
    out_.alu(Alu::Xor, dst, other);
  }
  const Label dividend = out_.new_label();
  const Label divisor = out_.new_label();
  const Label done = out_.new_label();
  out_.jump_if(Cond::SGe, dst, 0, dividend);
  out_.negate(dst);
  out_.place(dividend);
  out_.jump_if(Cond::SGe, other, 0, divisor);
  out_.negate(other);
  out_.place(divisor);
  out_.alu(modulo ? Alu::Mod : Alu::Div, dst, other);
  out_.load(Size::Double, other, kFrame, slot);
  out_.jump_if(Cond::SGe, other, 0, done);
  out_.negate(dst);
  out_.place(done);
  pop_spill();
}

void Integers::truth(const TypedExpr& bound, Reg dst) {
  const Label no = out_.new_label();
  const Label done = out_.new_label();
  // Branches use all scratch registers: what lived in them was spilled by operands(), which asks takes_scratch().
  branch(bound, no, false);
  out_.load_immediate(dst, 1);
  out_.jump(done);
  out_.place(no);
  out_.load_immediate(dst, 0);
  out_.place(done);
}

void Integers::highest_bit(const typed::HighestBit& bit, Reg dst, Regs free) {
  value(*bit.operand, dst, free);
  // Smear the highest bit downwards, then keep what the shifted copy does not have.
  const Reg copy = free.any();
  for (std::int64_t shift = 1; shift < std::int64_t{bit.bits}; shift *= 2) {
    out_.move(copy, dst);
    out_.alu(Alu::Rsh, copy, shift);
    out_.alu(Alu::Or, dst, copy);
  }
  out_.move(copy, dst);
  out_.alu(Alu::Rsh, copy, 1);
  out_.alu(Alu::Sub, dst, copy);
}

void Integers::conditional(const typed::Conditional& conditional, Reg dst, Regs free) {
  const Label otherwise = out_.new_label();
  const Label done = out_.new_label();
  branch(*conditional.condition, otherwise, false);
  value(*conditional.then_value, dst, free);
  out_.jump(done);
  out_.place(otherwise);
  value(*conditional.else_value, dst, free);
  out_.place(done);
}

void Integers::branch(const TypedExpr& bound, Label target, bool when) {
  if (const auto* n = std::get_if<typed::Constant>(&bound.node)) {
    if ((n->value != 0) == when) {
      out_.jump(target);
    }
    return;
  }
  if (const auto* n = std::get_if<typed::UnaryExpr>(&bound.node); n && n->op == expression::UnaryOp::LogicNot) {
    branch(*n->operand, target, !when);
    return;
  }
  if (const auto* n = std::get_if<typed::StringCompare>(&bound.node)) {
    Texts(context_, *this).compare(*n, target, when);
    return;
  }
  if (const auto* n = std::get_if<typed::BinaryExpr>(&bound.node)) {
    if (is_comparison(n->op)) {
      compare(*n, target, when);
      return;
    }
    if (is_logic(n->op)) {
      // `&&` is false as soon as one side is, `||` true: those jump straight to the target when it is the one wanted.
      const bool deciding = n->op == BinaryOp::LogicOr;
      if (deciding == when) {
        branch(*n->left, target, when);
        branch(*n->right, target, when);
      } else {
        const Label decided = out_.new_label();
        branch(*n->left, decided, deciding);
        branch(*n->right, target, when);
        out_.place(decided);
      }
      return;
    }
  }
  pointer(bound, Reg::R0);
  out_.jump_if(when ? Cond::Ne : Cond::Eq, Reg::R0, 0, target);
}

void Integers::compare(const typed::BinaryExpr& binary, Label target, bool when) {
  const Cond cond = condition(binary.op, binary.is_signed, when);
  const auto* right = std::get_if<typed::Constant>(&binary.right->node);
  if (right != nullptr && fits_immediate(right->value)) {
    value(*binary.left, Reg::R0);
    out_.jump_if(cond, Reg::R0, right->value, target);
    return;
  }
  const Reg other = operands(binary, Reg::R0, Regs::scratch().without(Reg::R0));
  out_.jump_if(cond, Reg::R0, other, target);
}

}  // namespace tpx::codegen
