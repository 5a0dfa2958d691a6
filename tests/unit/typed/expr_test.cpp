#include "typed/expr.h"

#include "catch.h"
#include "typed/compute.h"

namespace tpx::typed {
namespace {

using expression::BinaryOp;
using expression::UnaryOp;

constexpr schema::ValueType kWord{schema::ValueType::Kind::Integer, 8, true};
constexpr schema::ValueType kText{schema::ValueType::Kind::String, 16, false};

TypedExprPtr field() {
  return make_typed(ContextLoad{16, 4, false}, {schema::ValueType::Kind::Integer, 4, false});
}
TypedExprPtr text() {
  return make_typed(ContextBytes{24, 16}, kText);
}
TypedExprPtr helper() {
  return make_typed(BuiltinValue{BuiltinValue::Kind::Nsecs}, kWord);
}
TypedExprPtr binary(BinaryOp op, TypedExprPtr left, TypedExprPtr right) {
  return make_typed(BinaryExpr{op, std::move(left), std::move(right), true}, kWord);
}

TEST_CASE("what calls a helper or branches takes the scratch registers") {
  CHECK_FALSE(takes_scratch(*field()));
  CHECK_FALSE(takes_scratch(*constant(3)));
  CHECK_FALSE(takes_scratch(*make_typed(StartValue{0}, kWord)));
  CHECK_FALSE(takes_scratch(*binary(BinaryOp::Add, field(), constant(1))));
  CHECK(takes_scratch(*helper()));
  CHECK(takes_scratch(*binary(BinaryOp::Add, field(), helper())));
  // Regressions: truths are branches, which use all of them.
  CHECK(takes_scratch(*binary(BinaryOp::Lt, field(), constant(1))));
  CHECK(takes_scratch(*binary(BinaryOp::LogicAnd, field(), field())));
  CHECK(takes_scratch(*make_typed(UnaryExpr{UnaryOp::LogicNot, field()}, kWord)));
  CHECK_FALSE(takes_scratch(*make_typed(UnaryExpr{UnaryOp::Negate, field()}, kWord)));
  CHECK(takes_scratch(*make_typed(Conditional{field(), field(), field()}, kWord)));
  CHECK(takes_scratch(*make_typed(StringCompare{text(), text(), true}, kWord)));
}

TEST_CASE("a load takes scratch registers where it is a helper's") {
  MemoryLoad load;
  load.base = make_typed(ContextArgument{0}, kWord);
  CHECK_FALSE(takes_scratch(*make_typed(load, kWord)));
  load.direct = false;
  CHECK(takes_scratch(*make_typed(load, kWord)));
  load.direct = true;
  load.base = helper();
  CHECK(takes_scratch(*make_typed(load, kWord)));
  CHECK_FALSE(takes_scratch(*make_typed(HighestBit{field(), 32}, kWord)));
  CHECK(takes_scratch(*make_typed(HighestBit{helper(), 32}, kWord)));
}

TEST_CASE("signatures are equal for equal expressions alone") {
  CHECK(signature(*binary(BinaryOp::Add, field(), constant(1))) ==
        signature(*binary(BinaryOp::Add, field(), constant(1))));
  CHECK(signature(*binary(BinaryOp::Add, field(), constant(1))) !=
        signature(*binary(BinaryOp::Add, field(), constant(2))));
  CHECK(signature(*binary(BinaryOp::Add, field(), constant(1))) !=
        signature(*binary(BinaryOp::Sub, field(), constant(1))));
  CHECK(signature(*make_typed(ShortString{text(), 3}, kText)) != signature(*make_typed(ShortString{text(), 4}, kText)));
  CHECK(signature(*make_typed(StringCompare{text(), text(), true}, kWord)) !=
        signature(*make_typed(StringCompare{text(), text(), false}, kWord)));
}

TEST_CASE("operands are what stands directly below") {
  const TypedExprPtr left = field();
  const TypedExprPtr right = helper();
  CHECK(operands(*binary(BinaryOp::Add, left, right)) == std::vector<const TypedExpr*>{left.get(), right.get()});
  CHECK(operands(*field()).empty());
  CHECK(operands(*make_typed(Conditional{left, right, left}, kWord)).size() == 3);
}

TEST_CASE("constants fold as the generated code computes") {
  const auto value = [](const TypedExprPtr& bound) { return std::get<Constant>(fold(bound)->node).value; };
  CHECK(value(binary(BinaryOp::Div, constant(-7), constant(2))) == -3);
  CHECK(value(binary(BinaryOp::Mod, constant(-7), constant(2))) == -1);
  CHECK(value(binary(BinaryOp::Div, constant(7), constant(0))) == 0);
  CHECK(value(binary(BinaryOp::Mod, constant(7), constant(0))) == 7);
  CHECK(value(binary(BinaryOp::Div, constant(INT64_MIN), constant(-1))) == INT64_MIN);
  CHECK(value(binary(BinaryOp::Shr, constant(-8), constant(1))) == -4);
  CHECK(value(make_typed(BinaryExpr{BinaryOp::Shr, constant(-8), constant(60), false}, kWord)) == 15);
  CHECK(value(make_typed(UnaryExpr{UnaryOp::LogicNot, constant(5)}, kWord)) == 0);
  CHECK(fold(binary(BinaryOp::Add, field(), constant(1)))->node.index() ==
        binary(BinaryOp::Add, field(), constant(1))->node.index());
}

}  // namespace
}  // namespace tpx::typed
