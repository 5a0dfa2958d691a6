#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "expression/ast.h"
#include "schema/metric_schema.h"

namespace tpx::typed {

/// An expression whose every name is resolved to a place in memory and whose every type is known: what code generation takes,
/// and evaluate.h for the entries of a map. Immutable, shared.
/// See docs/design/expressions.md.
struct TypedExpr;
using TypedExprPtr = std::shared_ptr<const TypedExpr>;

struct Constant {
  std::int64_t value = 0;
};
struct StringConstant {
  std::string text;
};
/// A value from a helper. Probe is not among them: it is a Constant (or DispatchIndex) by the time it is bound.
struct BuiltinValue {
  enum class Kind : std::uint8_t { Pid, Tid, Ppid, Uid, Gid, Comm, Cpu, Cgroup, Nsecs, CurrentTask };
  Kind kind = Kind::Pid;
};
/// The position of the tracepoint that fired in the unit's list (`probe` in a program that serves many).
struct DispatchIndex {};
/// *(size*)(ctx + offset), aligned: a field of a classic record.
struct ContextLoad {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool is_signed = false;
};
/// Argument `index` of a tp_btf program: 8 bytes at ctx + 8 * index, of which the low `size` count. `probe`: kernels refuse
/// a plain load of its type, so bpf_probe_read_kernel reads it.
struct ContextArgument {
  std::uint32_t index = 0;
  std::uint32_t size = 8;
  bool is_signed = false;
  bool probe = false;
};
/// *(size*)(base + offset). `direct`: the verifier knows base's type and takes a plain load (a fault reads 0);
/// otherwise bpf_probe_read_kernel, or bpf_probe_read_user where `user`: the base is an address of the current process. A
/// null base reads 0. `bit_size` > 0: that many bits at `bit_offset` of the loaded value.
struct MemoryLoad {
  TypedExprPtr base;
  std::uint32_t offset = 0;
  std::uint32_t size = 8;
  bool is_signed = false;
  bool direct = true;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;
  bool user = false;
};
/// `size` bytes of a classic record.
struct ContextBytes {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};
/// `size` bytes at base + offset; `direct` and `user` as for MemoryLoad.
struct MemoryBytes {
  TypedExprPtr base;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool direct = true;
  bool user = false;
};
/// What a __data_loc or __rel_loc word at ctx + offset points to, at most `size` bytes, zero-padded.
struct LocBytes {
  std::uint32_t offset = 0;
  bool relative = false;
  bool is_string = true;
  std::uint32_t size = 0;
};
/// The NUL-terminated string at an address, at most `size` bytes with its NUL, zero-padded; empty at a null address, and
/// kUnreadable where the address can't be read.
struct PointerString {
  enum class Space : std::uint8_t { User, Kernel, ByAddress };
  TypedExprPtr pointer;
  std::uint32_t size = 0;
  Space space = Space::ByAddress;
};
/// Family and address of the sockaddr at an address of the current process, as a sockaddr_in6 of kSocketAddressBytes holds
/// them, everything else in it 0 (a label by port or scope would be a series a connection). Zeros at a null address; the
/// family kUnreadableFamily where it can't be read.
struct SocketAddress {
  TypedExprPtr pointer;
};
/// The first `limit` bytes of a string whose own kind can't be read in part.
struct ShortString {
  TypedExprPtr text;
  std::uint32_t limit = 0;
};
/// The letters that a word of flags spells, at most 8 (more are cut), zero-padded to 8 bytes. Each piece adds its letters,
/// in order: those of the choice whose value `bits & mask` is, else `otherwise`. What kernel functions like blk_fill_rwbs()
/// do.
struct BitLetters {
  struct Choice {
    std::uint64_t value = 0;
    std::string text;
  };
  struct Piece {
    std::uint64_t mask = 0;
    std::vector<Choice> choices;
    std::string otherwise;
  };
  TypedExprPtr bits;
  std::vector<Piece> pieces;
};
/// Which part of a map's entry.
enum class EntryArea : std::uint8_t { Key, Value };
/// The integer of `size` bytes at `offset` of a map's key or value; `bit_size` > 0: that many bits, from bit `bit_offset` of the
/// little-endian number there. Entries are evaluated by the exporter (typed/evaluate.h), not by a program.
struct EntryLoad {
  EntryArea area = EntryArea::Key;
  std::uint32_t offset = 0;
  std::uint32_t size = 8;
  bool is_signed = false;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;
};
/// A char array or opaque bytes of a map's key or value.
struct EntryBytes {
  EntryArea area = EntryArea::Key;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};
/// A value kept from the start event of a pair, at `offset` of the slot's payload.
struct StartValue {
  std::uint32_t offset = 0;
};
struct UnaryExpr {
  expression::UnaryOp op = expression::UnaryOp::Negate;
  TypedExprPtr operand;
};
/// Integer operands; signedness of Div, Mod, Shr and the comparisons is `is_signed`.
struct BinaryExpr {
  expression::BinaryOp op = expression::BinaryOp::Add;
  TypedExprPtr left;
  TypedExprPtr right;
  bool is_signed = true;
};
/// The highest set bit of a value, 0 of 0: what the kernel's 1 << (fls(x) - 1) gives. `bits` bounds the operand.
struct HighestBit {
  TypedExprPtr operand;
  std::uint32_t bits = 32;
};
struct Conditional {
  TypedExprPtr condition;
  TypedExprPtr then_value;
  TypedExprPtr else_value;
};
/// String (in)equality up to the first NUL.
struct StringCompare {
  TypedExprPtr left;
  TypedExprPtr right;
  bool equal = true;
};

/// What an integer points to, by its declaration.
enum class AddressOf : std::uint8_t {
  Nothing,  ///< a number, not an address
  Kernel,
  User,          ///< memory of the current process
  Pointers,      ///< pointers of the current process, such as argv
  SocketAddress  ///< a sockaddr of the current process
};

struct TypedExpr {
  std::variant<Constant, StringConstant, BuiltinValue, DispatchIndex, ContextLoad, ContextArgument, MemoryLoad,
               ContextBytes, MemoryBytes, LocBytes, PointerString, SocketAddress, ShortString, BitLetters, StartValue,
               EntryLoad, EntryBytes, UnaryExpr, BinaryExpr, HighestBit, Conditional, StringCompare>
      node;
  schema::ValueType type;
  /// A pointer by its BTF type; the verifier may know the register as one.
  bool is_pointer = false;
  /// Of a pointer into kernel memory: the BTF id of the pointee; 0 otherwise, and for void.
  std::uint32_t pointee = 0;
  /// The verifier knows the register as a pointer to `pointee`, so loads through it are direct.
  bool trusted = false;
  AddressOf address_of = AddressOf::Nothing;
};

[[nodiscard]] TypedExprPtr make_typed(decltype(TypedExpr::node) node, schema::ValueType type);
[[nodiscard]] TypedExprPtr constant(std::int64_t value);

/// A text that is equal for equal expressions: for tests and for finding common subexpressions.
[[nodiscard]] std::string signature(const TypedExpr& expr);

/// The same value, marked as an address.
[[nodiscard]] TypedExprPtr as_address(const TypedExprPtr& value, AddressOf what);

/// What an expression is made of directly: the operands of an operator, the base of a load.
[[nodiscard]] std::vector<const TypedExpr*> operands(const TypedExpr& expr);

/// Whether evaluation destroys all scratch registers, R0 to R5: it calls a helper or branches.
[[nodiscard]] bool takes_scratch(const TypedExpr& expr);

/// Whether it has the CPU in it: then an entry of a per-CPU map has a value for each.
[[nodiscard]] bool uses_cpu(const TypedExpr& expr);

/// Whether evaluation may read unreadable memory, which is counted (LostReason::ReadFault).
[[nodiscard]] bool may_fault(const TypedExpr& expr);

}  // namespace tpx::typed
