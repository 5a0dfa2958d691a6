#include "expression/ast.h"

#include <algorithm>
#include <array>

namespace tpx::expression {
namespace {

constexpr std::array<std::string_view, 10> kBuiltins = {"pid",  "tid", "ppid",   "uid",   "gid",
                                                        "comm", "cpu", "cgroup", "nsecs", "probe"};
constexpr std::array<std::string_view, 18> kBinary = {
    "*", "/", "%", "+", "-", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "&", "^", "|", "&&", "||"};
constexpr std::array<std::string_view, 3> kUnary = {"-", "~", "!"};

bool same_tree(const NodePtr& left, const NodePtr& right) {
  return same(*left, *right);
}

struct Same {
  bool operator()(const IntegerLiteral& a, const IntegerLiteral& b) const { return a.value == b.value; }
  bool operator()(const StringLiteral& a, const StringLiteral& b) const { return a.value == b.value; }
  bool operator()(const BuiltinRef& a, const BuiltinRef& b) const { return a.builtin == b.builtin && a.from == b.from; }
  bool operator()(const Argument& a, const Argument& b) const {
    return a.name == b.name && a.from == b.from && a.root == b.root;
  }
  bool operator()(const Member& a, const Member& b) const {
    return a.name == b.name && a.arrow == b.arrow && same_tree(a.base, b.base);
  }
  bool operator()(const Index& a, const Index& b) const {
    return same_tree(a.base, b.base) && same_tree(a.index, b.index);
  }
  bool operator()(const Unary& a, const Unary& b) const { return a.op == b.op && same_tree(a.operand, b.operand); }
  bool operator()(const Binary& a, const Binary& b) const {
    return a.op == b.op && same_tree(a.left, b.left) && same_tree(a.right, b.right);
  }
  bool operator()(const Call& a, const Call& b) const {
    return a.function == b.function && a.rest == b.rest &&
           std::equal(a.arguments.begin(), a.arguments.end(), b.arguments.begin(), b.arguments.end(),
                      [](const NodePtr& x, const NodePtr& y) { return same_tree(x, y); }) &&
           std::equal(a.names.begin(), a.names.end(), b.names.begin(), b.names.end(),
                      [](const NamedValue& x, const NamedValue& y) { return x.value == y.value && x.name == y.name; });
  }
  template <class A, class B>
  bool operator()(const A& /*a*/, const B& /*b*/) const {
    return false;
  }
};

}  // namespace

SourceLocation location_of(const Node& node, const SourceLocation& at) {
  SourceLocation where = at;
  where.column += node.begin;
  return where;
}

std::string_view name(Builtin builtin) {
  return kBuiltins.at(static_cast<std::size_t>(builtin));
}

std::optional<Builtin> builtin(std::string_view name) {
  const auto found = std::find(kBuiltins.begin(), kBuiltins.end(), name);
  if (found == kBuiltins.end()) {
    return std::nullopt;
  }
  return static_cast<Builtin>(found - kBuiltins.begin());
}

const std::vector<std::string>& builtin_names() {
  static const std::vector<std::string> names(kBuiltins.begin(), kBuiltins.end());
  return names;
}

std::string_view name(BinaryOp op) {
  return kBinary.at(static_cast<std::size_t>(op));
}

std::string_view name(UnaryOp op) {
  return kUnary.at(static_cast<std::size_t>(op));
}

bool same(const Node& left, const Node& right) {
  return &left == &right || std::visit(Same{}, left.value, right.value);
}

}  // namespace tpx::expression
