#include "typed/compute.h"

#include <algorithm>
#include <limits>

namespace tpx::typed {

namespace {

using expression::BinaryOp;
using expression::UnaryOp;

std::int64_t divide(std::int64_t left, std::int64_t right, bool is_signed) {
  if (right == 0) {
    return 0;
  }
  if (!is_signed) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(left) / static_cast<std::uint64_t>(right));
  }
  if (left == std::numeric_limits<std::int64_t>::min() && right == -1) {
    return left;
  }
  return left / right;
}

std::int64_t modulo(std::int64_t left, std::int64_t right, bool is_signed) {
  if (right == 0) {
    return left;
  }
  if (!is_signed) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(left) % static_cast<std::uint64_t>(right));
  }
  return right == -1 ? 0 : left % right;
}

template <class T>
std::int64_t compare(BinaryOp op, T left, T right) {
  switch (op) {
    case BinaryOp::Lt:
      return left < right ? 1 : 0;
    case BinaryOp::Le:
      return left <= right ? 1 : 0;
    case BinaryOp::Gt:
      return left > right ? 1 : 0;
    default:
      return left >= right ? 1 : 0;
  }
}

}  // namespace

std::int64_t compute(BinaryOp op, std::int64_t left, std::int64_t right, bool is_signed) {
  const auto a = static_cast<std::uint64_t>(left);
  const auto b = static_cast<std::uint64_t>(right);
  const auto as_signed = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  switch (op) {
    case BinaryOp::Mul:
      return as_signed(a * b);
    case BinaryOp::Div:
      return divide(left, right, is_signed);
    case BinaryOp::Mod:
      return modulo(left, right, is_signed);
    case BinaryOp::Add:
      return as_signed(a + b);
    case BinaryOp::Sub:
      return as_signed(a - b);
    case BinaryOp::Shl:
      return as_signed(a << (b & 63U));
    case BinaryOp::Shr:
      return is_signed ? left >> (b & 63U) : as_signed(a >> (b & 63U));
    case BinaryOp::Lt:
    case BinaryOp::Le:
    case BinaryOp::Gt:
    case BinaryOp::Ge:
      return is_signed ? compare(op, left, right) : compare(op, a, b);
    case BinaryOp::Eq:
      return a == b ? 1 : 0;
    case BinaryOp::Ne:
      return a != b ? 1 : 0;
    case BinaryOp::BitAnd:
      return as_signed(a & b);
    case BinaryOp::BitXor:
      return as_signed(a ^ b);
    case BinaryOp::BitOr:
      return as_signed(a | b);
    case BinaryOp::LogicAnd:
      return a != 0 && b != 0 ? 1 : 0;
    case BinaryOp::LogicOr:
      return a != 0 || b != 0 ? 1 : 0;
  }
  return 0;
}

std::int64_t compute(UnaryOp op, std::int64_t operand) {
  const auto value = static_cast<std::uint64_t>(operand);
  switch (op) {
    case UnaryOp::Negate:
      return static_cast<std::int64_t>(0 - value);
    case UnaryOp::BitNot:
      return static_cast<std::int64_t>(~value);
    case UnaryOp::LogicNot:
      return value == 0 ? 1 : 0;
  }
  return 0;
}

Result<void> check_right_operand(BinaryOp op, std::optional<std::int64_t> right) {
  const bool shift = op == BinaryOp::Shl || op == BinaryOp::Shr;
  if (right == 0 && (op == BinaryOp::Div || op == BinaryOp::Mod)) {
    return fail("division by zero");
  }
  if (right && shift && (*right < 0 || *right > 63)) {
    return fail("shift count " + std::to_string(*right) + " is out of range 0–63");
  }
  return {};
}

TypedExprPtr fold(TypedExprPtr bound) {
  std::int64_t value = 0;
  if (const auto* unary = std::get_if<UnaryExpr>(&bound->node)) {
    const auto* operand = std::get_if<Constant>(&unary->operand->node);
    if (operand == nullptr) {
      return bound;
    }
    value = compute(unary->op, operand->value);
  } else if (const auto* binary = std::get_if<BinaryExpr>(&bound->node)) {
    const auto* left = std::get_if<Constant>(&binary->left->node);
    const auto* right = std::get_if<Constant>(&binary->right->node);
    if (left == nullptr || right == nullptr) {
      return bound;
    }
    value = compute(binary->op, left->value, right->value, binary->is_signed);
  } else {
    return bound;
  }
  return make_typed(Constant{value}, bound->type);
}

TypedExprPtr as_integer(const TypedExprPtr& value, const schema::ValueType& type) {
  if (value->type.size == type.size && value->type.is_signed == type.is_signed) {
    return value;
  }
  if (type.size == 8) {
    TypedExpr retyped = *value;
    retyped.type = type;
    return std::make_shared<const TypedExpr>(std::move(retyped));
  }
  if (const auto* load = std::get_if<MemoryLoad>(&value->node);
      load != nullptr && load->size == type.size && load->bit_size == 0) {
    MemoryLoad other = *load;
    other.is_signed = type.is_signed;
    return make_typed(std::move(other), type);
  }
  if (const auto* argument = std::get_if<ContextArgument>(&value->node); argument != nullptr) {
    return make_typed(
        ContextArgument{argument->index, std::min(argument->size, type.size), type.is_signed, argument->probe}, type);
  }
  const TypedExprPtr shift = constant(64 - 8 * static_cast<std::int64_t>(type.size));
  const schema::ValueType wide{schema::ValueType::Kind::Integer, 8, type.is_signed};
  const TypedExprPtr up = make_typed(BinaryExpr{BinaryOp::Shl, value, shift, type.is_signed}, wide);
  return make_typed(BinaryExpr{BinaryOp::Shr, up, shift, type.is_signed}, type);
}

}  // namespace tpx::typed
