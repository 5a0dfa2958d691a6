#pragma once

#include <string_view>

#include "expression/ast.h"
#include "typed/comparisons.h"
#include "typed/names.h"

namespace tpx::typed {

/// Resolves every name of an expression and checks its types: the one binder, for events and for entries of maps. Borrows all
/// that it is given.
class Binder {
 public:
  /// `at`: where the expression's text starts. `comparisons`: receives the findings about comparisons; may be null.
  Binder(const Names& names, const SourceLocation& at, Comparisons* comparisons = nullptr)
      : names_(names), at_(at), comparisons_(comparisons) {}

  /// An error has the location of what is wrong, and the nearest name as a hint.
  [[nodiscard]] Result<TypedExprPtr> bind(const expression::Node& node) const;

  /// A value from the start of a pair (Names::at_start).
  [[nodiscard]] Result<TypedExprPtr> at_start(const expression::Node& node) const {
    return located(node, names_.at_start(node));
  }
  [[nodiscard]] tl::unexpected<Error> error(const expression::Node& node, std::string message,
                                            std::string hint = {}) const;

 private:
  [[nodiscard]] Result<TypedExprPtr> located(const expression::Node& node, Result<TypedExprPtr> result) const;
  [[nodiscard]] Result<TypedExprPtr> integer(const expression::Node& node, std::string_view what) const;
  [[nodiscard]] Result<TypedExprPtr> require_integer(const expression::Node& node, std::string_view what,
                                                     TypedExprPtr value) const;
  [[nodiscard]] Result<TypedExprPtr> bind_string(const expression::Node& node,
                                                 const expression::StringLiteral& literal) const;
  [[nodiscard]] Result<TypedExprPtr> bind_place(const expression::Node& node) const;
  [[nodiscard]] Result<TypedExprPtr> bind_unary(const expression::Unary& unary) const;
  [[nodiscard]] Result<TypedExprPtr> bind_binary(const expression::Node& node, const expression::Binary& binary) const;
  [[nodiscard]] Result<TypedExprPtr> bind_equality(const expression::Node& node, const expression::Binary& binary,
                                                   const TypedExprPtr& left, const TypedExprPtr& right) const;
  [[nodiscard]] Result<TypedExprPtr> bind_call(const expression::Node& node, const expression::Call& call) const;
  [[nodiscard]] Result<TypedExprPtr> bind_if(const expression::Node& node, const expression::Call& call) const;

  const Names& names_;
  const SourceLocation& at_;
  Comparisons* comparisons_;
};

/// Binder(names, at, comparisons).bind(node).
[[nodiscard]] Result<TypedExprPtr> bind(const expression::Node& node, const Names& names, const SourceLocation& at = {},
                                        Comparisons* comparisons = nullptr);

/// `an integer`, `a string`, `an array`: for messages.
[[nodiscard]] std::string describe(const schema::ValueType& type);

}  // namespace tpx::typed
