#include "codegen/texts.h"

#include <linux/bpf.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <ranges>

#include "base/overloaded.h"
#include "codegen/integers.h"

namespace tpx::codegen {

using assembler::Alu;
using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;
using typed::TypedExpr;

namespace {

std::uint32_t round_up(std::uint32_t size) {
  return (size + 7) / 8 * 8;
}

/// The widest access that is aligned at `offset` and within `left` bytes.
std::uint32_t chunk(std::int64_t offset, std::uint32_t left) {
  std::uint32_t bytes = 8;
  while (offset % bytes != 0 || bytes > left) {
    bytes /= 2;
  }
  return bytes;
}

bool compares_texts(const TypedExpr& bound) {
  if (std::holds_alternative<typed::StringCompare>(bound.node)) {
    return true;
  }
  const auto operands = typed::operands(bound);
  return std::any_of(operands.begin(), operands.end(),
                     [](const TypedExpr* operand) { return compares_texts(*operand); });
}

std::int64_t word_of(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t word = 0;
  if (at < text.size()) {
    std::memcpy(&word, text.data() + at, std::min(bytes, text.size() - at));
  }
  return static_cast<std::int64_t>(word);
}

}  // namespace

void Texts::zero(std::int64_t offset, std::uint32_t size) {
  for (std::uint32_t i = 0; i < size; i += 8) {
    out_.store_immediate(Size::Double, base_, offset + i, 0);
  }
}

void Texts::address(Reg dst, std::int64_t offset) {
  out_.move(dst, base_);
  out_.alu(Alu::Add, dst, offset);
}

void Texts::copy(Reg base, std::int64_t from, std::int64_t to, std::uint32_t size) {
  for (std::uint32_t done = 0; done < size;) {
    const std::uint32_t bytes = std::min(chunk(from + done, size - done), chunk(to + done, size - done));
    out_.load(static_cast<Size>(bytes), Reg::R2, base, from + done);
    out_.store(static_cast<Size>(bytes), base_, to + done, Reg::R2);
    done += bytes;
  }
}

void Texts::write(const TypedExpr& bound, std::int64_t offset, std::uint32_t size) {
  size = std::min(size, round_up(bound.type.size));
  std::visit(Overloaded{
                 [&](const typed::StringConstant& n) { write_constant(n.text, offset, size); },
                 [&](const typed::BuiltinValue&) {
                   address(Reg::R1, offset);
                   out_.load_immediate(Reg::R2, std::min(size, 16U));
                   out_.call(BPF_FUNC_get_current_comm);
                 },
                 [&](const typed::ContextBytes& n) {
                   copy(kContext, n.offset, offset, std::min({size, n.size, bound.type.size}));
                 },
                 [&](const typed::MemoryBytes& n) {
                   const std::uint32_t bytes = std::min({size, n.size, bound.type.size});
                   write_memory(n, offset, bytes, bound.type.kind == schema::ValueType::Kind::String);
                 },
                 [&](const typed::LocBytes& n) { write_loc(n, offset, std::min(size, n.size)); },
                 [&](const typed::PointerString& n) { write_pointed(n, offset, std::min(size, n.size)); },
                 [&](const typed::SocketAddress& n) { write_socket_address(n, offset); },
                 [&](const typed::ShortString& n) { write_short(n, offset, size); },
                 [&](const typed::BitLetters& n) { write_letters(n, offset, size); },
                 [&](const typed::StartValue& n) {
                   copy(kRow, plan::PairLayout::kHeader + std::int64_t{n.offset}, offset, size);
                 },
                 [&](const typed::Conditional& n) { write_conditional(n, offset, size); },
                 [&](const auto&) { context_.fail("an integer stands where a string must be"); },
             },
             bound.node);
}

void Texts::write_conditional(const typed::Conditional& conditional, std::int64_t offset, std::uint32_t size) {
  const Label otherwise = out_.new_label();
  const Label done = out_.new_label();
  if (const auto known = hoisted_.find(conditional.condition.get()); known != hoisted_.end()) {
    out_.load(Size::Double, Reg::R0, kFrame, known->second);
    out_.jump_if(Cond::Eq, Reg::R0, 0, otherwise);
  } else {
    integers_.branch(*conditional.condition, otherwise, false);
  }
  write(*conditional.then_value, offset, size);
  out_.jump(done);
  out_.place(otherwise);
  write(*conditional.else_value, offset, size);
  out_.place(done);
}

/// The whole of it, then zeros behind the limit.
void Texts::write_short(const typed::ShortString& string, std::int64_t offset, std::uint32_t size) {
  write(*string.text, offset, size);
  for (std::uint32_t done = string.limit; done < size;) {
    const std::uint32_t bytes = chunk(offset + done, size - done);
    out_.store_immediate(static_cast<Size>(bytes), base_, offset + done, 0);
    done += bytes;
  }
}

/// R0 becomes the letters in memory order, the first in its low byte: built from the last, each piece moves what is there up.
void Texts::write_letters(const typed::BitLetters& letters, std::int64_t offset, std::uint32_t size) {
  integers_.value(*letters.bits, Reg::R1);
  // A number that the verifier can't know, however the flags are: see add_choice().
  out_.load_immediate(Reg::R3, 0x61c8864680b583ebLL);
  out_.alu(Alu::Mul, Reg::R3, Reg::R1);
  out_.load_immediate(Reg::R0, 0);
  for (const typed::BitLetters::Piece& piece : std::ranges::reverse_view(letters.pieces)) {
    const bool letter = std::has_single_bit(piece.mask) && piece.choices.size() == 1 && piece.otherwise.empty() &&
                        piece.choices[0].value == piece.mask && piece.choices[0].text.size() == 1;
    letter ? add_letter(piece.mask, piece.choices[0].text[0]) : add_choice(piece);
  }
  for (std::uint32_t done = 0; done < size;) {
    const std::uint32_t bytes = chunk(offset + done, size - done);
    out_.store(static_cast<Size>(bytes), base_, offset + done, Reg::R0);
    done += bytes;
    if (done < size) {
      out_.alu(Alu::Rsh, Reg::R0, 8 * std::int64_t{bytes});
    }
  }
}

/// Without a branch, which a mix of operations would make the CPU guess wrong, and which the verifier would follow both ways.
void Texts::add_letter(std::uint64_t bit, char letter) {
  const int shift = std::countr_zero(bit) - 3;
  out_.move(Reg::R2, Reg::R1);
  if (shift != 0) {
    out_.alu(shift > 0 ? Alu::Rsh : Alu::Lsh, Reg::R2, shift > 0 ? shift : -shift);
  }
  out_.alu(Alu::And, Reg::R2, 8);  // the bits by which the others move up: 0 or 8
  out_.alu(Alu::Lsh, Reg::R0, Reg::R2);
  out_.alu(Alu::Mul, Reg::R2, letter);
  out_.alu(Alu::Rsh, Reg::R2, 3);
  out_.alu(Alu::Or, Reg::R0, Reg::R2);
}

/// Where the choices meet again the verifier must not know R0 by the way it came, or it follows the rest of the program once
/// for each of them: a number that it doesn't know is mixed in, and taken out again.
void Texts::add_choice(const typed::BitLetters::Piece& piece) {
  const Label done = out_.new_label();
  const auto add = [&](const std::string& text) {
    if (!text.empty()) {
      out_.alu(Alu::Lsh, Reg::R0, std::min<std::int64_t>(8 * static_cast<std::int64_t>(text.size()), 56));
      out_.alu(Alu::Or, Reg::R0, word_of(text, 0, 4));
    }
    out_.alu(Alu::Xor, Reg::R0, Reg::R3);
    out_.alu(Alu::Xor, Reg::R0, Reg::R3);
  };
  out_.move(Reg::R2, Reg::R1);
  out_.alu(Alu::And, Reg::R2, static_cast<std::int64_t>(piece.mask));
  for (const auto& choice : piece.choices) {
    const Label next = out_.new_label();
    out_.jump_if(Cond::Ne, Reg::R2, static_cast<std::int64_t>(choice.value), next);
    add(choice.text);
    out_.jump(done);
    out_.place(next);
  }
  add(piece.otherwise);
  out_.place(done);
}

void Texts::write_constant(const std::string& text, std::int64_t offset, std::uint32_t size) {
  for (std::uint32_t i = 0; i < size && i < text.size(); i += 8) {
    out_.load_immediate(Reg::R1, word_of(text, i, 8));
    out_.store(Size::Double, base_, offset + i, Reg::R1);
  }
}

void Texts::write_memory(const typed::MemoryBytes& bytes, std::int64_t offset, std::uint32_t size, bool is_string) {
  const auto* base = std::get_if<typed::BuiltinValue>(&bytes.base->node);
  const bool task = base != nullptr && base->kind == typed::BuiltinValue::Kind::CurrentTask;
  if (bytes.direct && task && context_.task_loaded) {
    copy(kTask, bytes.offset, offset, size);
    return;
  }
  if (bytes.direct) {
    integers_.pointer(*bytes.base, Reg::R1);
    const Label null = out_.new_label();
    if (!task) {
      out_.jump_if(Cond::Eq, Reg::R1, 0, null);
    }
    copy(Reg::R1, bytes.offset, offset, size);
    out_.place(null);
    return;
  }
  const Label null = out_.new_label();
  integers_.pointer(*bytes.base, Reg::R3);
  out_.jump_if(Cond::Eq, Reg::R3, 0, null);
  out_.alu(Alu::Add, Reg::R3, bytes.offset);
  address(Reg::R1, offset);
  out_.load_immediate(Reg::R2, size);
  out_.call(bytes.user ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel);
  mark_fault(offset, size, is_string ? size : 0);
  out_.place(null);
}

void Texts::write_loc(const typed::LocBytes& loc, std::int64_t offset, std::uint32_t size) {
  out_.load(Size::Word, Reg::R0, kContext, loc.offset);
  if (!loc.is_string) {
    out_.move(Reg::R2, Reg::R0);
    out_.alu(Alu::Rsh, Reg::R2, 16);
    const Label fits = out_.new_label();
    out_.jump_if(Cond::Le, Reg::R2, size, fits);
    out_.load_immediate(Reg::R2, size);
    out_.place(fits);
  }
  out_.alu(Alu::And, Reg::R0, 0xffff);
  if (loc.relative) {
    out_.alu(Alu::Add, Reg::R0, std::int64_t{loc.offset} + 4);
  }
  out_.move(Reg::R3, kContext);
  out_.alu(Alu::Add, Reg::R3, Reg::R0);
  if (loc.is_string) {
    read_string(BPF_FUNC_probe_read_kernel_str, offset, size);
    return;
  }
  address(Reg::R1, offset);
  out_.call(BPF_FUNC_probe_read_kernel);
}

void Texts::read_string(std::uint32_t helper, std::int64_t offset, std::uint32_t size) {
  address(Reg::R1, offset);
  out_.load_immediate(Reg::R2, size);
  out_.call(helper);
}

void Texts::mark_fault(std::int64_t offset, std::uint32_t room, std::uint32_t length) {
  const Label fine = out_.new_label();
  out_.jump_if(Cond::SGe, Reg::R0, 0, fine);
  // The helper has zeroed all of it.
  const std::string text(schema::kUnreadable.substr(0, length));
  out_.comment("it can't be read");
  if (room >= 8) {
    write_constant(text, offset, 8);
  } else {
    for (std::uint32_t done = 0; done < text.size();) {
      const std::uint32_t bytes = chunk(offset + done, static_cast<std::uint32_t>(text.size()) - done);
      out_.store_immediate(static_cast<Size>(bytes), base_, offset + done, word_of(text, done, bytes));
      done += bytes;
    }
  }
  count_fault(context_);
  out_.place(fine);
}

/// Family, port and IPv4 address lie in the first 8 bytes of a sockaddr, an IPv6 address in those from 8 to 24
/// (include/uapi/linux/in.h, in6.h).
void Texts::write_socket_address(const typed::SocketAddress& socket, std::int64_t offset) {
  constexpr std::int64_t kPort = 2;
  constexpr std::int64_t kAddress = 4;  // of IPv4; the flow of IPv6
  constexpr std::uint32_t kShort = 8;
  constexpr std::uint32_t kLong = 24;
  const Label done = out_.new_label();
  const Label fault = out_.new_label();
  const Label other = out_.new_label();
  integers_.value(*socket.pointer, Reg::R3);
  out_.jump_if(Cond::Eq, Reg::R3, 0, done);
  const std::int64_t pointer = integers_.push_spill();
  out_.store(Size::Double, kFrame, pointer, Reg::R3);
  out_.comment("socket address of the process");
  read_string(BPF_FUNC_probe_read_user, offset, kShort);
  out_.jump_if(Cond::SLt, Reg::R0, 0, fault);
  out_.store_immediate(Size::Half, base_, offset + kPort, 0);
  out_.load(Size::Half, Reg::R1, base_, offset);
  out_.jump_if(Cond::Eq, Reg::R1, AF_INET, done);
  out_.jump_if(Cond::Ne, Reg::R1, AF_INET6, other);
  out_.load(Size::Double, Reg::R3, kFrame, pointer);
  read_string(BPF_FUNC_probe_read_user, offset, kLong);
  out_.jump_if(Cond::SLt, Reg::R0, 0, fault);
  out_.store_immediate(Size::Half, base_, offset + kPort, 0);
  out_.place(other);
  out_.store_immediate(Size::Word, base_, offset + kAddress, 0);
  out_.jump(done);
  out_.place(fault);
  out_.store_immediate(Size::Half, base_, offset, schema::kUnreadableFamily);
  count_fault(context_);
  out_.place(done);
  integers_.pop_spill();
}

void Texts::write_pointed(const typed::PointerString& string, std::int64_t offset, std::uint32_t size) {
  if (const auto known = hoisted_.find(string.pointer.get()); known != hoisted_.end()) {
    out_.load(Size::Double, Reg::R3, kFrame, known->second);
  } else {
    integers_.value(*string.pointer, Reg::R3);
  }
  const Label null = out_.new_label();
  out_.jump_if(Cond::Eq, Reg::R3, 0, null);
  if (string.space == typed::PointerString::Space::User) {
    read_string(BPF_FUNC_probe_read_user_str, offset, size);
  } else if (string.space == typed::PointerString::Space::Kernel) {
    read_string(BPF_FUNC_probe_read_kernel_str, offset, size);
  } else {
    // Kernel addresses are the upper half of the address space on all that we run on.
    const Label kernel = out_.new_label();
    const Label read = out_.new_label();
    out_.jump_if(Cond::SLt, Reg::R3, 0, kernel);
    read_string(BPF_FUNC_probe_read_user_str, offset, size);
    out_.jump(read);
    out_.place(kernel);
    read_string(BPF_FUNC_probe_read_kernel_str, offset, size);
    out_.place(read);
  }
  mark_fault(offset, round_up(size), size - 1);
  out_.place(null);
}

void Texts::hoist_value(const TypedExpr& bound) {
  if (!compares_texts(bound) || hoisted_.contains(&bound)) {
    return;
  }
  integers_.value(bound, Reg::R0);
  const std::int64_t slot = integers_.push_spill();
  out_.store(Size::Double, kFrame, slot, Reg::R0);
  hoisted_[&bound] = slot;
}

/// Computes what decides about a side of a comparison, where that compares texts itself: the room for them is one.
void Texts::hoist(const TypedExpr& text) {
  if (const auto* conditional = std::get_if<typed::Conditional>(&text.node)) {
    hoist_value(*conditional->condition);
    hoist(*conditional->then_value);
    hoist(*conditional->else_value);
  } else if (const auto* pointed = std::get_if<typed::PointerString>(&text.node)) {
    hoist_value(*pointed->pointer);
  } else if (const auto* shorter = std::get_if<typed::ShortString>(&text.node)) {
    hoist(*shorter->text);
  }
}

void Texts::compare(const typed::StringCompare& compare, Label target, bool when) {
  const bool jump_when_equal = compare.equal == when;
  const Label differ = jump_when_equal ? out_.new_label() : target;
  hoist(*compare.left);
  hoist(*compare.right);
  compare_sides(compare, differ);
  for (std::size_t i = 0; i < hoisted_.size(); ++i) {
    integers_.pop_spill();
  }
  hoisted_.clear();
  if (jump_when_equal) {
    out_.jump(target);
    out_.place(differ);
  }
}

void Texts::compare_sides(const typed::StringCompare& compare, Label differ) {
  const auto* left = std::get_if<typed::StringConstant>(&compare.left->node);
  const auto* right = std::get_if<typed::StringConstant>(&compare.right->node);
  if (left != nullptr && right != nullptr) {
    if (left->text != right->text) {
      out_.jump(differ);
    }
  } else if (right != nullptr) {
    compare_constant(*compare.left, right->text, differ);
  } else if (left != nullptr) {
    compare_constant(*compare.right, left->text, differ);
  } else {
    compare_variable(*compare.left, *compare.right, differ);
  }
}

void Texts::compare_constant(const TypedExpr& left, const std::string& text, Label differ) {
  if (text.size() + 2 > kTextBytes) {
    context_.fail("a string of " + std::to_string(text.size()) + " bytes is compared, at most " +
                  std::to_string(kTextBytes - 2) + " are");
    return;
  }
  // A fixed array may be full to its last byte, without a NUL.
  const auto compared = static_cast<std::uint32_t>(std::min<std::size_t>(text.size() + 1, left.type.size));
  if (text.size() > left.type.size) {
    out_.jump(differ);
    return;
  }
  // One byte more than is compared: a string cut just there must not pass for the whole.
  const std::uint32_t size = std::min(round_up(static_cast<std::uint32_t>(text.size()) + 2), kTextBytes);
  zero(kLeftText, size);
  write(left, kLeftText, size);
  for (std::uint32_t i = 0; i < compared; i += 8) {
    const std::uint32_t bytes = std::min(8U, compared - i);
    out_.load(Size::Double, Reg::R0, kFrame, kLeftText + i);
    if (bytes < 8) {
      out_.zero_extend(Reg::R0, static_cast<int>(bytes * 8));
    }
    out_.load_immediate(Reg::R1, word_of(text, i, bytes));
    out_.jump_if(Cond::Ne, Reg::R0, Reg::R1, differ);
  }
}

void Texts::compare_variable(const TypedExpr& left, const TypedExpr& right, Label differ) {
  const std::uint32_t size = std::min(kTextBytes, std::max(left.type.size, right.type.size));
  if (left.type.size > kTextBytes || right.type.size > kTextBytes) {
    context_.fail("strings of more than " + std::to_string(kTextBytes) + " bytes are compared",
                  "shorten them with str(…, 63)");
    return;
  }
  zero(kLeftText, kTextBytes);
  write(left, kLeftText, kTextBytes);
  zero(kRightText, kTextBytes);
  write(right, kRightText, kTextBytes);
  const Label equal = out_.new_label();
  for (std::uint32_t i = 0; i < size; ++i) {
    out_.load(Size::Byte, Reg::R0, kFrame, kLeftText + i);
    out_.load(Size::Byte, Reg::R1, kFrame, kRightText + i);
    out_.jump_if(Cond::Ne, Reg::R0, Reg::R1, differ);
    out_.jump_if(Cond::Eq, Reg::R0, 0, equal);
  }
  out_.place(equal);
}

}  // namespace tpx::codegen
