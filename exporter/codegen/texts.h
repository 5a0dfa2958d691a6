#pragma once

#include <map>

#include "codegen/context.h"
#include "codegen/frame.h"
#include "typed/expr.h"

namespace tpx::codegen {

class Integers;

/// Strings and byte arrays onto the stack, or into other memory.
class Texts {
 public:
  /// `base`: what offsets count from; the stack, or a register that helpers leave alone and that points to memory of ours.
  Texts(Context& context, Integers& integers, assembler::Reg base = kFrame)
      : context_(context), out_(context.out), integers_(integers), base_(base) {}

  /// Writes the value's bytes to the `size` bytes at base + `offset`, which the caller has zeroed and whose offset is a
  /// multiple of 8. Longer values are cut. Destroys R0 to R5.
  void write(const typed::TypedExpr& bound, std::int64_t offset, std::uint32_t size);

  /// Jumps to `target` when the comparison gives `when`.
  void compare(const typed::StringCompare& compare, assembler::Label target, bool when);

  /// Zeroes bytes; both numbers are multiples of 8.
  void zero(std::int64_t offset, std::uint32_t size);

 private:
  void copy(assembler::Reg base, std::int64_t from, std::int64_t to, std::uint32_t size);
  void write_memory(const typed::MemoryBytes& bytes, std::int64_t offset, std::uint32_t size, bool is_string);
  void write_loc(const typed::LocBytes& loc, std::int64_t offset, std::uint32_t size);
  void write_socket_address(const typed::SocketAddress& socket, std::int64_t offset);
  void write_pointed(const typed::PointerString& string, std::int64_t offset, std::uint32_t size);
  void write_conditional(const typed::Conditional& conditional, std::int64_t offset, std::uint32_t size);
  void write_short(const typed::ShortString& string, std::int64_t offset, std::uint32_t size);
  void write_letters(const typed::BitLetters& letters, std::int64_t offset, std::uint32_t size);
  void add_letter(std::uint64_t bit, char letter);
  void add_choice(const typed::BitLetters::Piece& piece);
  void write_constant(const std::string& text, std::int64_t offset, std::uint32_t size);
  void read_string(std::uint32_t helper, std::int64_t offset, std::uint32_t size);
  /// Where the read that has just been made failed: counts it, and writes the first `length` bytes of kUnreadable, all of
  /// them in one store where there is `room` for 8.
  void mark_fault(std::int64_t offset, std::uint32_t room, std::uint32_t length);
  void address(assembler::Reg dst, std::int64_t offset);
  void hoist(const typed::TypedExpr& text);
  void hoist_value(const typed::TypedExpr& bound);
  void compare_sides(const typed::StringCompare& compare, assembler::Label differ);
  void compare_constant(const typed::TypedExpr& left, const std::string& text, assembler::Label differ);
  void compare_variable(const typed::TypedExpr& left, const typed::TypedExpr& right, assembler::Label differ);

  Context& context_;
  assembler::Program& out_;
  Integers& integers_;
  assembler::Reg base_;
  std::map<const typed::TypedExpr*, std::int64_t> hoisted_;  ///< where a comparison put a value before its texts
};

}  // namespace tpx::codegen
