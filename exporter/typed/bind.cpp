#include "typed/bind.h"

#include <algorithm>
#include <limits>

#include "base/overloaded.h"
#include "expression/tree.h"
#include "typed/compute.h"

namespace tpx::typed {

namespace {

using expression::BinaryOp;
using expression::Node;
using schema::ValueType;

constexpr std::uint32_t kLongestString = 256;

bool is_text(const TypedExprPtr& value) {
  return value->type.kind == ValueType::Kind::String;
}

/// As C's usual conversions to 64 bits: all but unsigned 64-bit values become signed.
bool is_signed_64(const TypedExpr& value) {
  return value.type.is_signed || value.type.size < 8;
}

ValueType wide(bool is_signed) {
  return {ValueType::Kind::Integer, 8, is_signed};
}

TypedExprPtr integer_constant(std::uint64_t value) {
  const bool is_signed = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return make_typed(Constant{static_cast<std::int64_t>(value)}, wide(is_signed));
}

}  // namespace

std::string describe(const ValueType& type) {
  switch (type.kind) {
    case ValueType::Kind::Integer:
      return "an integer";
    case ValueType::Kind::String:
      return "a string";
    case ValueType::Kind::Bytes:
      return "an array";
  }
  return "";
}

Result<TypedExprPtr> Binder::bind(const Node& node) const {
  return std::visit(
      Overloaded{
          [](const expression::IntegerLiteral& n) -> Result<TypedExprPtr> { return integer_constant(n.value); },
          [&](const expression::StringLiteral& n) { return bind_string(node, n); },
          [&](const expression::BuiltinRef& n) {
            return n.from ? at_start(node) : located(node, names_.builtin(n.builtin));
          },
          [&](const expression::Argument&) { return bind_place(node); },
          [&](const expression::Member&) { return bind_place(node); },
          [&](const expression::Index&) { return bind_place(node); },
          [&](const expression::Unary& n) { return bind_unary(n); },
          [&](const expression::Binary& n) { return bind_binary(node, n); },
          [&](const expression::Call& n) { return bind_call(node, n); },
      },
      node.value);
}

tl::unexpected<Error> Binder::error(const Node& node, std::string message, std::string hint) const {
  return fail(Error{std::move(message), std::move(hint), expression::location_of(node, at_)});
}

Result<TypedExprPtr> Binder::located(const Node& node, Result<TypedExprPtr> result) const {
  return result ? std::move(result) : fail(std::move(result.error()).at(expression::location_of(node, at_)));
}

Result<TypedExprPtr> Binder::require_integer(const Node& node, std::string_view what, TypedExprPtr value) const {
  if (value->type.kind != ValueType::Kind::Integer) {
    return error(node, std::string(what) + " takes integers, this is " + describe(value->type),
                 is_text(value) ? "strings compare with == and != only" : "");
  }
  return value;
}

Result<TypedExprPtr> Binder::integer(const Node& node, std::string_view what) const {
  auto value = bind(node);
  return value ? require_integer(node, what, std::move(*value)) : value;
}

Result<TypedExprPtr> Binder::bind_string(const Node& node, const expression::StringLiteral& literal) const {
  if (literal.value.size() >= kLongestString) {
    return error(node, "a string of more than 255 bytes");
  }
  const auto size = static_cast<std::uint32_t>((literal.value.size() + 8) / 8 * 8);
  return make_typed(StringConstant{literal.value}, {ValueType::Kind::String, size, false});
}

Result<TypedExprPtr> Binder::bind_place(const Node& node) const {
  return expression::is_from(node) ? at_start(node) : located(node, names_.place(node));
}

Result<TypedExprPtr> Binder::bind_unary(const expression::Unary& unary) const {
  auto operand = integer(*unary.operand, expression::name(unary.op));
  if (!operand) {
    return operand;
  }
  const bool truth = unary.op == expression::UnaryOp::LogicNot;
  const bool is_signed = unary.op == expression::UnaryOp::Negate || is_signed_64(**operand);
  return fold(make_typed(UnaryExpr{unary.op, *operand}, truth ? schema::kTruth : wide(is_signed)));
}

/// Of two values of which one is a string.
Result<TypedExprPtr> Binder::bind_equality(const Node& node, const expression::Binary& binary, const TypedExprPtr& left,
                                           const TypedExprPtr& right) const {
  if (is_text(left) != is_text(right)) {
    return error(node, "compares " + describe(left->type) + " with " + describe(right->type),
                 is_text(left) ? "put the right side in double quotes, or compare an integer field"
                               : "use str() on a pointer, or compare with a number");
  }
  if (comparisons_ != nullptr) {
    comparisons_->add(node, at_, judge_strings(binary, side_of(*left), side_of(*right)));
  }
  return make_typed(StringCompare{left, right, binary.op == BinaryOp::Eq}, schema::kTruth);
}

Result<TypedExprPtr> Binder::bind_binary(const Node& node, const expression::Binary& binary) const {
  const bool equality = binary.op == BinaryOp::Eq || binary.op == BinaryOp::Ne;
  const std::string_view what = expression::name(binary.op);
  auto left = equality ? bind(*binary.left) : integer(*binary.left, what);
  auto right = !left ? left : equality ? bind(*binary.right) : integer(*binary.right, what);
  if (right && equality) {
    if (is_text(*left) || is_text(*right)) {
      return bind_equality(node, binary, *left, *right);
    }
    left = require_integer(*binary.left, what, std::move(*left));
    right = left ? require_integer(*binary.right, what, std::move(*right)) : left;
  }
  if (!right) {
    return right;
  }
  const auto* number = std::get_if<Constant>(&(*right)->node);
  if (auto fits = check_right_operand(binary.op, number == nullptr ? std::nullopt : std::optional(number->value));
      !fits) {
    return error(*binary.right, fits.error().message, fits.error().hint);
  }
  const bool shift = binary.op == BinaryOp::Shl || binary.op == BinaryOp::Shr;
  const bool is_signed = is_signed_64(**left) && (shift || is_signed_64(**right));
  const bool comparison = binary.op >= BinaryOp::Lt && binary.op <= BinaryOp::Ne;
  const bool logic = binary.op == BinaryOp::LogicAnd || binary.op == BinaryOp::LogicOr;
  if (comparison && comparisons_ != nullptr) {
    comparisons_->add(node, at_, judge_integers(binary, side_of(**left), side_of(**right), is_signed));
  }
  return fold(make_typed(BinaryExpr{binary.op, *left, *right, is_signed},
                         comparison || logic ? schema::kTruth : wide(is_signed)));
}

Result<TypedExprPtr> Binder::bind_call(const Node& node, const expression::Call& call) const {
  return call.function == "if" ? bind_if(node, call) : located(node, names_.call(node, call, *this));
}

Result<TypedExprPtr> Binder::bind_if(const Node& node, const expression::Call& call) const {
  if (call.arguments.size() != 3) {
    return error(node, "if() takes three values, got " + std::to_string(call.arguments.size()),
                 "write if(CONDITION, A, B)");
  }
  auto condition = integer(*call.arguments[0], "the condition of if()");
  auto yes = condition ? bind(*call.arguments[1]) : condition;
  auto no = yes ? bind(*call.arguments[2]) : yes;
  if (!no) {
    return no;
  }
  const ValueType& a = (*yes)->type;
  const ValueType& b = (*no)->type;
  if (a.kind != b.kind) {
    return error(node, "if() gives " + describe(a) + " or " + describe(b), "both must be of one kind");
  }
  if (a.kind == ValueType::Kind::Bytes && a.size != b.size) {
    return error(node, "if() gives arrays of different sizes");
  }
  ValueType type = a;
  type.size = std::max(a.size, b.size);
  if (a.kind == ValueType::Kind::Integer && !(a == b)) {
    type = wide(is_signed_64(**yes) && is_signed_64(**no));
  }
  return make_typed(Conditional{*condition, *yes, *no}, type);
}

Result<TypedExprPtr> bind(const Node& node, const Names& names, const SourceLocation& at, Comparisons* comparisons) {
  return Binder(names, at, comparisons).bind(node);
}

}  // namespace tpx::typed
