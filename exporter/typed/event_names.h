#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/kernel.h"
#include "typed/names.h"

namespace tpx::typed {

/// An event as a program sees it.
struct Event {
  std::string name;                                        ///< for messages: `category/name`, or the raw name
  std::shared_ptr<const kernel::Format> format = nullptr;  ///< null for a raw tracepoint
  const kernel::Btf* btf = nullptr;                        ///< may be null for a program on the record
  std::vector<kernel::Btf::Argument> arguments = {};       ///< of a tp_btf program
  bool syscall = false;                                    ///< of syscalls/*: string pointers point to user memory
  bool probe_reads = false;       ///< no plain loads through pointers that were loaded: the verifier refused them
  bool current_task_btf = false;  ///< bpf_get_current_task_btf is there: the current task's members are plain loads
};

/// Internal function: the socket address that a pointer into user memory points to (SocketAddress). Put around a label that
/// ip() decodes. No text parses to this name.
inline constexpr const char* kSocketAddress = "(socket address)";

/// The names of an event; what `args.` stands for is said by RecordNames, MappedNames and RawNames.
class EventNames : public Names {
 public:
  explicit EventNames(Event event) : event_(std::move(event)) {}

  [[nodiscard]] const Event& event() const { return event_; }

  [[nodiscard]] Result<TypedExprPtr> place(const expression::Node& node) const final;
  /// `pid`, `tid` and `comm` are loads from the current task where BTF gives its members (bpf_get_current_comm costs four
  /// times as much), else helpers. `probe` is 0: see MetricNames.
  [[nodiscard]] Result<TypedExprPtr> builtin(expression::Builtin builtin) const override;
  /// str() and the internal functions.
  [[nodiscard]] Result<TypedExprPtr> call(const expression::Node& node, const expression::Call& call,
                                          const Binder& binder) const override;

  /// The BTF type of a chain over raw arguments, qualifiers and typedefs stripped: for the names of enums. Nothing when the
  /// chain does not bind or the event's names have no BTF types.
  [[nodiscard]] virtual std::optional<kernel::Btf::Type> type_of(const expression::Node& /*node*/) const {
    return std::nullopt;
  }

 protected:
  /// A chain whose root has_root().
  [[nodiscard]] virtual Result<TypedExprPtr> field(const expression::Node& node) const = 0;
  /// Whether a chain may begin with this node, which is no `args.`, `key.` or `value.`.
  [[nodiscard]] virtual bool has_root(const expression::Node& /*root*/) const { return false; }

 private:
  [[nodiscard]] TypedExprPtr task_member(std::initializer_list<const char*> path) const;

  Event event_;
};

}  // namespace tpx::typed
