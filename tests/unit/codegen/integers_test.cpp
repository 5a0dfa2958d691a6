#include "codegen/integers.h"

#include <bit>
#include <cstring>

#include "catch.h"
#include "support/interpreter.h"

namespace tpx::codegen {
namespace {

using assembler::Reg;
using expression::BinaryOp;
using typed::constant;
using typed::make_typed;
using typed::TypedExprPtr;

constexpr schema::ValueType kWord{schema::ValueType::Kind::Integer, 8, true};

/// Loads the words of the context, so that nothing is a constant.
TypedExprPtr word(std::uint32_t index) {
  return make_typed(typed::ContextLoad{8 * index, 8, true}, kWord);
}
TypedExprPtr binary(BinaryOp op, TypedExprPtr left, TypedExprPtr right, bool is_signed = true) {
  return make_typed(typed::BinaryExpr{op, std::move(left), std::move(right), is_signed}, kWord);
}

std::uint64_t evaluate(const TypedExprPtr& bound, const std::vector<std::uint64_t>& words) {
  assembler::Program program;
  const kernel::Features features;
  Context context{program, features, false, std::nullopt};
  program.move(kContext, Reg::R1);
  Integers(context).value(*bound, Reg::R0);
  program.exit();
  INFO((context.error ? context.error->message : ""));
  REQUIRE_FALSE(context.error.has_value());
  program.drop_unreachable();
  test::TestKernel kernel;
  kernel.ktime_ns = 1000;
  std::vector<std::uint8_t> bytes(words.size() * 8);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  const auto result = test::interpret(program, kernel, bytes);
  INFO((result ? "" : result.error().message));
  REQUIRE(result.has_value());
  return *result;
}

TEST_CASE("the highest bit of a value, and 0 of 0") {
  const TypedExprPtr bound = make_typed(typed::HighestBit{word(0), 32}, kWord);
  CHECK(evaluate(bound, {0}) == 0);
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::uint64_t value = std::uint64_t{1} << bit;
    CHECK(evaluate(bound, {value}) == value);
    CHECK(evaluate(bound, {value | (value - 1)}) == value);
    CHECK(evaluate(bound, {value | 1}) == std::bit_floor(value | 1));
  }
}

TEST_CASE("the highest bit keeps what is in other registers") {
  const TypedExprPtr bound = binary(BinaryOp::Add, word(1), make_typed(typed::HighestBit{word(0), 32}, kWord));
  CHECK(evaluate(bound, {0x50, 7}) == 0x47);
}

TEST_CASE("signed division rounds to zero, unsigned is the instruction") {
  for (const std::int64_t left : {INT64_MIN, std::int64_t{-7}, std::int64_t{0}, std::int64_t{7}, INT64_MAX}) {
    for (const std::int64_t right : {std::int64_t{-3}, std::int64_t{-1}, std::int64_t{0}, std::int64_t{2}, INT64_MIN}) {
      const std::vector<std::uint64_t> words{static_cast<std::uint64_t>(left), static_cast<std::uint64_t>(right)};
      const bool overflows = left == INT64_MIN && right == -1;
      const std::int64_t quotient = right == 0 ? 0 : overflows ? left : left / right;
      const std::int64_t remainder = right == 0 ? left : overflows ? 0 : left % right;
      CHECK(static_cast<std::int64_t>(evaluate(binary(BinaryOp::Div, word(0), word(1)), words)) == quotient);
      CHECK(static_cast<std::int64_t>(evaluate(binary(BinaryOp::Mod, word(0), word(1)), words)) == remainder);
      CHECK(evaluate(binary(BinaryOp::Div, word(0), word(1), false), words) == (right == 0 ? 0 : words[0] / words[1]));
    }
  }
}

TEST_CASE("an intermediate result outlives a helper's call and a branch") {
  const TypedExprPtr now = make_typed(typed::BuiltinValue{typed::BuiltinValue::Kind::Nsecs}, kWord);
  CHECK(evaluate(binary(BinaryOp::Sub, word(0), now), {1300}) == 300);
  const TypedExprPtr less = binary(BinaryOp::Lt, word(0), word(1));
  CHECK(evaluate(binary(BinaryOp::Add, word(0), less), {5, 6}) == 6);
  CHECK(evaluate(binary(BinaryOp::Add, word(0), less), {7, 6}) == 7);
}

TEST_CASE("expressions nested to the right are computed, however many registers they would take") {
  // A regression: the sixth operand found no register.
  TypedExprPtr right = word(0);
  TypedExprPtr left = word(0);
  for (std::uint32_t i = 1; i < 12; ++i) {
    right = binary(BinaryOp::Sub, word(i), right);
    left = binary(BinaryOp::Sub, left, word(i));
  }
  std::vector<std::uint64_t> words(12);
  std::int64_t expected_right = 0;
  std::int64_t expected_left = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = 10 * i * i + 3;
    const auto value = static_cast<std::int64_t>(words[i]);
    expected_right = value - expected_right;
    expected_left = i == 0 ? value : expected_left - value;
  }
  CHECK(static_cast<std::int64_t>(evaluate(right, words)) == expected_right);
  CHECK(static_cast<std::int64_t>(evaluate(left, words)) == expected_left);
}

}  // namespace
}  // namespace tpx::codegen
