#pragma once

#include <functional>
#include <string>
#include <vector>

#include "expression/ast.h"
#include "kernel/kernel.h"
#include "plan/bound.h"
#include "plan/comparisons.h"

namespace tpx::plan {

/// What names mean at one attach point. Plain values; borrowed pointers must outlive the calls that use the scope.
/// See docs/design/expressions.md.
struct Scope {
  enum class Mode : std::uint8_t {
    Classic,  ///< `args.X` is a field of the format, read from the record
    Mapped,   ///< `args.X` is a field of the format, read from the raw arguments by the event.field table
    Raw       ///< `args.X` is an argument of the raw tracepoint, typed by BTF
  };
  Mode mode = Mode::Classic;
  std::string event;                       ///< for messages: `category/name`, or the raw name
  const kernel::Format* format = nullptr;  ///< Classic, Mapped
  /// Classic, of a syscall: the record of raw_syscalls/sys_enter or sys_exit, which holds its arguments or result.
  const kernel::Format* record = nullptr;
  const kernel::Btf* btf = nullptr;              ///< Mapped, Raw
  std::vector<kernel::Btf::Argument> arguments;  ///< Mapped, Raw
  bool syscall = false;                          ///< string pointers point to user memory
  bool probe_reads = false;  ///< no plain loads through pointers that were loaded: the verifier refused them
  /// bpf_get_current_task_btf is there: the current task's members are plain loads.
  bool current_task_btf = false;
  BoundPtr probe;  ///< the value of `probe`
  /// Makes a value of a pair's start available; absent outside of a pair's end.
  std::function<Result<BoundPtr>(const expression::Node&)> from;
  SourceLocation at;                   ///< where the expression's text starts
  bool internal = false;               ///< the text is a row of the field table: internal functions are allowed
  Comparisons* comparisons = nullptr;  ///< receives the findings about comparisons; may be null
};

/// Internal function: the socket address that a pointer into user memory points to (SocketAddress). Written around a label
/// that ip() decodes.
inline constexpr const char* kSocketAddress = "socket_address";

/// Resolves every name of an expression. An error carries the location of what is wrong and the nearest name as a hint.
[[nodiscard]] Result<BoundPtr> bind(const expression::Node& node, const Scope& scope);

/// The tree with `from.` taken off, as the start event sees it.
[[nodiscard]] expression::NodePtr without_from(const expression::Node& node);

/// The value converted to an integer of `type`, as a C assignment would.
[[nodiscard]] BoundPtr as_integer(const BoundPtr& value, const schema::ValueType& type);

/// The names of all `args.` fields that an expression uses, without those behind `from.`.
void collect_fields(const expression::Node& node, std::vector<std::string>& fields);

}  // namespace tpx::plan
