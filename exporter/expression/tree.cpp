#include "expression/tree.h"

#include <limits>

#include "base/overloaded.h"

namespace tpx::expression {

const Node& root_of(const Node& node) {
  if (const auto* member = std::get_if<Member>(&node.value)) {
    return root_of(*member->base);
  }
  if (const auto* index = std::get_if<Index>(&node.value)) {
    return root_of(*index->base);
  }
  return node;  // NOLINT(bugprone-return-const-ref-from-parameter): trees outlive their walks
}

bool is_from(const Node& node) {
  const Node& root = root_of(node);
  if (const auto* argument = std::get_if<Argument>(&root.value)) {
    return argument->from;
  }
  const auto* builtin = std::get_if<BuiltinRef>(&root.value);
  return builtin != nullptr && builtin->from;
}

NodePtr strip_from(const Node& node) {
  Node copy = node;
  std::visit(Overloaded{
                 [](Argument& n) { n.from = false; },
                 [](BuiltinRef& n) { n.from = false; },
                 [](Member& n) { n.base = strip_from(*n.base); },
                 [](Index& n) { n.base = strip_from(*n.base); },
                 [](Unary& n) { n.operand = strip_from(*n.operand); },
                 [](Binary& n) {
                   n.left = strip_from(*n.left);
                   n.right = strip_from(*n.right);
                 },
                 [](Call& n) {
                   for (auto& argument : n.arguments) {
                     argument = strip_from(*argument);
                   }
                 },
                 [](auto&) {},
             },
             copy.value);
  return std::make_shared<const Node>(std::move(copy));
}

std::optional<std::uint32_t> constant_index(const Node& node) {
  const auto* literal = std::get_if<IntegerLiteral>(&node.value);
  if (literal == nullptr || literal->value > std::numeric_limits<std::uint16_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(literal->value);
}

}  // namespace tpx::expression
