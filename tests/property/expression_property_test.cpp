// Every tree prints as text that parses to that tree.

#include <rapidcheck.h>

#include "catch.h"
#include "expression/ast.h"

using namespace tpx;
using namespace tpx::expression;

namespace {

NodePtr node(decltype(Node::value) value) {
  return std::make_shared<const Node>(Node{std::move(value)});
}

std::string random_identifier() {
  static const std::string kFirst = "abcxyzABZ_";
  static const std::string kRest = kFirst + "0189";
  std::string text(1, *rc::gen::elementOf(kFirst));
  const int more = *rc::gen::inRange(0, 6);
  for (int i = 0; i < more; ++i) {
    text += *rc::gen::elementOf(kRest);
  }
  return text;
}

std::string random_string() {
  return *rc::gen::container<std::string>(rc::gen::nonZero<char>());
}

std::uint64_t random_integer() {
  return *rc::gen::oneOf(rc::gen::arbitrary<std::uint64_t>(), rc::gen::inRange<std::uint64_t>(0, 100),
                         rc::gen::elementOf(std::vector<std::uint64_t>{~0ULL, 1ULL << 63U, (1ULL << 63U) - 1}));
}

NodePtr random_leaf() {
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      return node(IntegerLiteral{random_integer()});
    case 1:
      return node(StringLiteral{random_string()});
    case 2:
      return node(BuiltinRef{static_cast<Builtin>(*rc::gen::inRange(0, static_cast<int>(builtin_names().size()))),
                             *rc::gen::arbitrary<bool>()});
    case 3:
      return node(Argument{random_identifier(), *rc::gen::arbitrary<bool>(), Argument::Root::Args});
    default:
      return node(Argument{*rc::gen::arbitrary<bool>() ? random_identifier() : "", false,
                           *rc::gen::arbitrary<bool>() ? Argument::Root::Key : Argument::Root::Value});
  }
}

NodePtr random_tree(int depth);

NodePtr random_call(int depth) {
  Call call;
  do {
    call.function = random_identifier();
  } while (call.function == "args" || call.function == "from" || call.function == "not");
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    call.arguments.push_back(random_tree(depth - 1));
  }
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    const std::uint64_t key = random_integer();
    if (call.names.empty() || call.names.front().value != key) {
      call.names.push_back({key, random_string()});
    }
    if (call.names.size() == 2) {
      break;
    }
  }
  if (!call.names.empty() && *rc::gen::inRange(0, 2) == 0) {
    call.rest = random_string();
  }
  return node(std::move(call));
}

NodePtr random_tree(int depth) {
  if (depth <= 1) {
    return random_leaf();
  }
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      return random_leaf();
    case 1:
      return node(Member{random_tree(depth - 1), random_identifier(), *rc::gen::arbitrary<bool>()});
    case 2:
      return node(Index{random_tree(depth - 1), random_tree(depth - 1)});
    case 3:
      return node(Unary{static_cast<UnaryOp>(*rc::gen::inRange(0, 3)), random_tree(depth - 1)});
    case 4:
      return random_call(depth);
    default:
      return node(
          Binary{static_cast<BinaryOp>(*rc::gen::inRange(0, 18)), random_tree(depth - 1), random_tree(depth - 1)});
  }
}

}  // namespace

TEST_CASE("to_text parses to the same tree") {
  CHECK(rc::check("parse(to_text(tree)) == tree", [] {
    const NodePtr tree = random_tree(*rc::gen::inRange(1, 7));
    const std::string text = to_text(*tree);
    RC_PRE(text.size() <= 4096U);
    const auto parsed = parse(text, {});
    if (!parsed) {
      RC_FAIL(text + ": " + parsed.error().message);
    }
    if (!same(**parsed, *tree)) {
      RC_FAIL(text + " became " + to_text(**parsed));
    }
  }));
}
