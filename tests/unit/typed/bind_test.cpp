// The binder alone: names come from a stand-in, so that each test says what they are.

#include "typed/bind.h"

#include "catch.h"

namespace tpx::typed {
namespace {

using Kind = schema::ValueType::Kind;

/// `args.i32`, `args.u64` and the like are integers, `args.text` a string, `args.six` six bytes; counts how often it is asked.
class StandIn : public Names {
 public:
  [[nodiscard]] Result<TypedExprPtr> place(const expression::Node& node) const override {
    ++asked;
    const std::string& name = std::get<expression::Argument>(node.value).name;
    if (name == "text") {
      return make_typed(ContextBytes{0, 16}, {Kind::String, 16, false});
    }
    if (name == "six" || name == "four") {
      const std::uint32_t size = name == "six" ? 6 : 4;
      return make_typed(ContextBytes{0, size}, {Kind::Bytes, size, false});
    }
    if (name == "i32" || name == "u32" || name == "i64" || name == "u64") {
      const std::uint32_t size = name.ends_with("32") ? 4 : 8;
      return make_typed(ContextLoad{8, size, name[0] == 'i'}, {Kind::Integer, size, name[0] == 'i'});
    }
    return fail("no such name", "none");
  }
  [[nodiscard]] Result<TypedExprPtr> builtin(expression::Builtin /*builtin*/) const override { return constant(7); }
  [[nodiscard]] Result<TypedExprPtr> call(const expression::Node& /*node*/, const expression::Call& call,
                                          const Binder& binder) const override {
    return call.function == "same" ? binder.bind(*call.arguments.at(0)) : fail("no function " + call.function);
  }
  mutable int asked = 0;
};

const SourceLocation kAt{"a.yaml", 3, 10};

Result<TypedExprPtr> bound(const std::string& text, const Names& names = StandIn(),
                           Comparisons* comparisons = nullptr) {
  const auto node = expression::parse(text, kAt);
  REQUIRE(node.has_value());
  return bind(**node, names, kAt, comparisons);
}

schema::ValueType type_of(const std::string& text) {
  INFO(text);
  const auto value = bound(text);
  REQUIRE(value.has_value());
  return (*value)->type;
}

std::string error_of(const std::string& text, std::uint32_t column) {
  INFO(text);
  const auto value = bound(text);
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().location == SourceLocation{"a.yaml", 3, column});
  return value.error().message;
}

TEST_CASE("an operation has the type that C's conversions to 64 bits give it") {
  CHECK(type_of("args.i32 + 1") == schema::ValueType{Kind::Integer, 8, true});
  CHECK(type_of("args.u32 + args.i64") == schema::ValueType{Kind::Integer, 8, true});
  CHECK(type_of("args.u64 + args.i64") == schema::ValueType{Kind::Integer, 8, false});
  CHECK(type_of("args.i64 >> args.u64") == schema::ValueType{Kind::Integer, 8, true});
  CHECK(type_of("args.u64 >> args.i64") == schema::ValueType{Kind::Integer, 8, false});
  CHECK(type_of("-args.u64") == schema::ValueType{Kind::Integer, 8, true});
  CHECK(type_of("~args.u64") == schema::ValueType{Kind::Integer, 8, false});
  for (const char* truth : {"args.u64 < 1", "!args.i32", "args.i32 && args.u64", "args.text == \"a\""}) {
    CHECK(type_of(truth) == schema::kTruth);
  }
  CHECK(type_of("18446744073709551615") == schema::ValueType{Kind::Integer, 8, false});
  CHECK(type_of("\"12345678\"") == schema::ValueType{Kind::String, 16, false});
}

TEST_CASE("if() has the wider type of its values, which are of one kind") {
  CHECK(type_of("if(args.i32, args.u32, args.u32)") == schema::ValueType{Kind::Integer, 4, false});
  CHECK(type_of("if(args.i32, args.u32, args.u64)") == schema::ValueType{Kind::Integer, 8, false});
  CHECK(type_of("if(args.i32, args.text, \"a\")") == schema::ValueType{Kind::String, 16, false});
  CHECK(type_of("if(1, args.six, args.six)") == schema::ValueType{Kind::Bytes, 6, false});
  CHECK(error_of("if(1, args.six, args.four)", 10) == "if() gives arrays of different sizes");
  CHECK(error_of("1 + if(1, args.text, 2)", 14) == "if() gives a string or an integer");
  CHECK(error_of("if(1, 2)", 10) == "if() takes three values, got 2");
  CHECK(error_of("if(args.text, 1, 2)", 13) == "the condition of if() takes integers, this is a string");
}

TEST_CASE("an error has the place of what is wrong, also where the names know none") {
  CHECK(error_of("1 + args.gone", 14) == "no such name");
  CHECK(error_of("1 + what(2)", 14) == "no function what");
  CHECK(error_of("same(args.gone)", 15) == "no such name");
  CHECK(error_of("1 + from.args.u32", 14) == "\"from.\" is only known where a pair ends");
  CHECK(error_of("1 + from.pid", 14) == "\"from.\" is only known where a pair ends");
  CHECK(error_of("args.text < 1", 10) == "< takes integers, this is a string");
  CHECK(error_of("args.u64 == args.text", 10) == "compares an integer with a string");
  CHECK(error_of("args.u64 == args.six", 22) == "== takes integers, this is an array");
  CHECK(error_of("args.u64 % (1 - 1)", 22) == "division by zero");
}

TEST_CASE("constants are computed as they are bound") {
  const auto value = bound("(2 + 3) * 4 == 20");
  REQUIRE(value.has_value());
  REQUIRE(std::holds_alternative<Constant>((*value)->node));
  CHECK(std::get<Constant>((*value)->node).value == 1);
  CHECK((*value)->type == schema::kTruth);
}

TEST_CASE("each name of an expression is resolved once, however deep comparisons are nested") {
  // A regression: both sides of == were bound twice, and so again on each level below.
  std::string text = "args.u32";
  for (int i = 0; i < 40; ++i) {
    text = "(" + text + " == args.u32)";
  }
  const StandIn names;
  CHECK(bound(text, names).has_value());
  CHECK(names.asked == 41);
}

TEST_CASE("comparisons are judged, operations that are none are not") {
  Comparisons comparisons;
  REQUIRE(bound("args.u32 < 0 || args.u32 + 0 > 0", StandIn(), &comparisons).has_value());
  const Errors warnings = comparisons.warnings();
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].message == "\"args.u32 < 0\" is never true: args.u32 is 0 to 4294967295");
}

TEST_CASE("a metric's names add its position and its pair's start to those of the event") {
  const StandIn event;
  const MetricNames alone(event, constant(3));
  CHECK(std::get<Constant>((*bound("probe", alone))->node).value == 3);
  CHECK(std::get<Constant>((*bound("cpu", alone))->node).value == 7);
  CHECK_FALSE(bound("from.args.u32", alone).has_value());

  std::vector<std::string> started;
  const MetricNames pair(event, constant(3), [&](const expression::Node& node) -> Result<TypedExprPtr> {
    started.push_back(expression::to_text(node));
    return started.size() < 3 ? Result<TypedExprPtr>(make_typed(StartValue{8}, {Kind::Integer, 4, false}))
                              : fail(Error{"gone", "", SourceLocation{"elsewhere", 1, 1}});
  });
  CHECK(std::holds_alternative<StartValue>((*bound("from.args.u32", pair))->node));
  CHECK(std::holds_alternative<StartValue>((*bound("from.comm", pair))->node));
  const auto refused = bound("1 + from.args.u32->x[2]", pair);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().location == SourceLocation{"a.yaml", 3, 14});
  CHECK(started == std::vector<std::string>{"from.args.u32", "from.comm", "from.args.u32->x[2]"});
}

}  // namespace
}  // namespace tpx::typed
