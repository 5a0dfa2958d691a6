#pragma once

#include <functional>
#include <utility>

#include "expression/ast.h"
#include "typed/expr.h"

namespace tpx::typed {

class Binder;

/// Where the names of an expression live: in the record or the arguments of an event (EventNames), in an entry of a map
/// (EntryNames). An error needs no location: the binder gives it that of the node.
/// See docs/design/expressions.md.
class Names {
 public:
  Names() = default;
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;
  virtual ~Names() = default;

  /// `args.X`, `key.X` or `value.X`, or a chain of members and elements.
  [[nodiscard]] virtual Result<TypedExprPtr> place(const expression::Node& node) const = 0;
  /// `pid`, `comm` …
  [[nodiscard]] virtual Result<TypedExprPtr> builtin(expression::Builtin builtin) const = 0;
  /// A function other than if(); `binder` binds its arguments.
  [[nodiscard]] virtual Result<TypedExprPtr> call(const expression::Node& node, const expression::Call& call,
                                                  const Binder& binder) const = 0;
  /// What begins with `from.`, or str() of it: a value from the start of a pair.
  [[nodiscard]] virtual Result<TypedExprPtr> at_start(const expression::Node& node) const;
};

/// Makes a value of a pair's start available at its end.
using StartBinder = std::function<Result<TypedExprPtr>(const expression::Node&)>;

/// The names of an event as one metric sees them: `probe` is the event's position in the metric's list, `from.` the start of
/// its pair. `event` must outlive it.
class MetricNames : public Names {
 public:
  /// `start`: null outside of a pair's end.
  MetricNames(const Names& event, TypedExprPtr probe, StartBinder start = nullptr)
      : event_(event), probe_(std::move(probe)), start_(std::move(start)) {}

  [[nodiscard]] Result<TypedExprPtr> place(const expression::Node& node) const override { return event_.place(node); }
  [[nodiscard]] Result<TypedExprPtr> builtin(expression::Builtin builtin) const override;
  [[nodiscard]] Result<TypedExprPtr> call(const expression::Node& node, const expression::Call& call,
                                          const Binder& binder) const override {
    return event_.call(node, call, binder);
  }
  [[nodiscard]] Result<TypedExprPtr> at_start(const expression::Node& node) const override;

 private:
  const Names& event_;
  TypedExprPtr probe_;
  StartBinder start_;
};

}  // namespace tpx::typed
