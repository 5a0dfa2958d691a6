#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace tpx::expression {

enum class UnaryOp : std::uint8_t { Negate, BitNot, LogicNot };

enum class BinaryOp : std::uint8_t {
  Mul,
  Div,
  Mod,
  Add,
  Sub,
  Shl,
  Shr,
  Lt,
  Le,
  Gt,
  Ge,
  Eq,
  Ne,
  BitAnd,
  BitXor,
  BitOr,
  LogicAnd,
  LogicOr
};

/// Values that need no field, named as in bpftrace.
enum class Builtin : std::uint8_t { Pid, Tid, Ppid, Uid, Gid, Comm, Cpu, Cgroup, Nsecs, Probe };

struct Node;
/// Syntax trees are immutable and shared.
using NodePtr = std::shared_ptr<const Node>;

struct IntegerLiteral {
  std::uint64_t value = 0;
};
struct StringLiteral {
  std::string value;
};
/// `pid`, or `from.pid` in a pair.
struct BuiltinRef {
  Builtin builtin = Builtin::Pid;
  bool from = false;
};
/// `args.NAME`, or `from.args.NAME` in a pair. For an object's map also `key.NAME` (root Key) and `value.NAME` (root
/// Value), or `key` and `value` alone with an empty name: the whole of it, for maps whose key or value is no struct.
struct Argument {
  enum class Root : std::uint8_t { Args, Key, Value };
  std::string name;
  bool from = false;
  Root root = Root::Args;
};
/// `base.NAME` or `base->NAME`.
struct Member {
  NodePtr base;
  std::string name;
  bool arrow = false;
};
/// `base[index]`
struct Index {
  NodePtr base;
  NodePtr index;
};
struct Unary {
  UnaryOp op = UnaryOp::Negate;
  NodePtr operand;
};
struct Binary {
  BinaryOp op = BinaryOp::Add;
  NodePtr left;
  NodePtr right;
};
/// `1="read"` in `map(x, 1="read")`.
struct NamedValue {
  std::uint64_t value = 0;  ///< a negative key is its two's complement
  std::string name;
};
/// `str(…)`, `if(…)` and the decoders. Which functions exist is not the parser's business.
struct Call {
  std::string function;
  std::vector<NodePtr> arguments;
  std::vector<NamedValue> names;
  std::optional<std::string> rest = std::nullopt;  ///< `*="other"`: the name of all other values
};

struct Node {
  std::variant<IntegerLiteral, StringLiteral, BuiltinRef, Argument, Member, Index, Unary, Binary, Call> value;
  std::uint32_t begin = 0;  ///< byte offsets of the source text, [begin, end)
  std::uint32_t end = 0;
};

/// Parses one expression. `at` is where its text starts; an error's column is at.column plus the byte offset. Depth and
/// length are bounded (64 levels, 4096 bytes). Errors say what was expected, with a suggestion for a misspelt builtin,
/// for `arg.x`, `=` in place of `==`, single quotes, `and`/`or`/`not`, `?:`.
[[nodiscard]] Result<NodePtr> parse(std::string_view text, const SourceLocation& at);

/// The location of `node`, for a parse that started at `at`.
[[nodiscard]] SourceLocation location_of(const Node& node, const SourceLocation& at);

/// Fully parenthesized text that parses to the same tree (as long as it stays within parse()'s bound of 4096 bytes); for
/// messages, tests and as the identity of an expression.
[[nodiscard]] std::string to_text(const Node& node);

[[nodiscard]] std::string_view name(Builtin builtin);
[[nodiscard]] std::optional<Builtin> builtin(std::string_view name);
[[nodiscard]] const std::vector<std::string>& builtin_names();
[[nodiscard]] std::string_view name(BinaryOp op);
[[nodiscard]] std::string_view name(UnaryOp op);

/// Whether two trees mean the same, places in the text aside.
[[nodiscard]] bool same(const Node& left, const Node& right);

}  // namespace tpx::expression
