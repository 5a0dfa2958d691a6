#pragma once

#include <optional>

#include "typed/expr.h"

namespace tpx::typed {

/// The value of an operation on two 64-bit numbers, as the generated code computes it: division by zero gives 0, modulo by
/// zero the dividend, shifts take the low 6 bits of their count, arithmetic wraps.
[[nodiscard]] std::int64_t compute(expression::BinaryOp op, std::int64_t left, std::int64_t right, bool is_signed);
[[nodiscard]] std::int64_t compute(expression::UnaryOp op, std::int64_t operand);

/// An error for an invalid constant right operand: a divisor of 0, or a shift count out of range 0–63.
/// The error has no location.
[[nodiscard]] Result<void> check_right_operand(expression::BinaryOp op, std::optional<std::int64_t> right);

/// A constant when all operands are; otherwise the expression as it is.
[[nodiscard]] TypedExprPtr fold(TypedExprPtr bound);

/// The value converted to an integer of `type`, as a C assignment would.
[[nodiscard]] TypedExprPtr as_integer(const TypedExprPtr& value, const schema::ValueType& type);

}  // namespace tpx::typed
