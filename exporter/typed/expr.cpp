#include "typed/expr.h"

#include <algorithm>

#include "base/overloaded.h"

namespace tpx::typed {

namespace {

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

std::string access(std::uint32_t offset, std::uint32_t size, bool is_signed) {
  return (is_signed ? "s" : "u") + number(size * 8ULL) + "@" + number(offset);
}

std::string area(EntryArea area) {
  return area == EntryArea::Key ? "key:" : "value:";
}

const char* way(bool direct, bool user) {
  return direct ? "" : user ? ":user" : ":probe";
}

std::string list(std::string head, std::initializer_list<const TypedExpr*> operands) {
  head += "(";
  bool first = true;
  for (const TypedExpr* operand : operands) {
    head += first ? "" : ",";
    head += signature(*operand);
    first = false;
  }
  return head + ")";
}

std::string spelling(const BitLetters& letters) {
  std::string text;
  for (const auto& piece : letters.pieces) {
    text += "|" + number(piece.mask) + ":";
    for (const auto& choice : piece.choices) {
      text += number(choice.value) + "=" + choice.text + ",";
    }
    text += piece.otherwise;
  }
  return text;
}

}  // namespace

TypedExprPtr make_typed(decltype(TypedExpr::node) node, schema::ValueType type) {
  return std::make_shared<const TypedExpr>(TypedExpr{std::move(node), type});
}

TypedExprPtr as_address(const TypedExprPtr& value, AddressOf what) {
  if (value->address_of == what) {
    return value;
  }
  TypedExpr address = *value;
  address.address_of = what;
  return std::make_shared<const TypedExpr>(std::move(address));
}

TypedExprPtr constant(std::int64_t value) {
  return make_typed(Constant{value}, {schema::ValueType::Kind::Integer, 8, true});
}

std::string signature(const TypedExpr& expr) {
  return std::visit(
      Overloaded{
          [](const Constant& n) { return std::to_string(n.value); },
          [](const StringConstant& n) { return "\"" + n.text + "\""; },
          [](const BuiltinValue& n) { return "special" + number(static_cast<std::uint64_t>(n.kind)); },
          [](const DispatchIndex&) { return std::string("dispatch"); },
          [](const ContextLoad& n) { return "ctx:" + access(n.offset, n.size, n.is_signed); },
          [](const ContextArgument& n) {
            return "arg:" + access(n.index, n.size, n.is_signed) + (n.probe ? ":probe" : "");
          },
          [](const MemoryLoad& n) {
            return list("load:" + access(n.offset, n.size, n.is_signed) + ":" + number(n.bit_offset) + ":" +
                            number(n.bit_size) + way(n.direct, n.user),
                        {n.base.get()});
          },
          [](const ContextBytes& n) { return "ctxbytes:" + access(n.offset, n.size, false); },
          [](const MemoryBytes& n) {
            return list("bytes:" + access(n.offset, n.size, false) + way(n.direct, n.user), {n.base.get()});
          },
          [](const LocBytes& n) {
            return std::string(n.relative ? "rel" : "loc") + (n.is_string ? "str:" : "bytes:") +
                   access(n.offset, n.size, false);
          },
          [](const PointerString& n) {
            return list("str" + number(static_cast<std::uint64_t>(n.space)) + ":" + number(n.size), {n.pointer.get()});
          },
          [](const SocketAddress& n) { return list("sockaddr", {n.pointer.get()}); },
          [](const ShortString& n) { return list("short" + number(n.limit), {n.text.get()}); },
          [](const BitLetters& n) { return list("letters" + spelling(n), {n.bits.get()}); },
          [&](const StartValue& n) { return "start:" + access(n.offset, expr.type.size, expr.type.is_signed); },
          [](const EntryLoad& n) {
            return area(n.area) + access(n.offset, n.size, n.is_signed) + ":" + number(n.bit_offset) + ":" +
                   number(n.bit_size);
          },
          [](const EntryBytes& n) { return area(n.area) + "bytes:" + access(n.offset, n.size, false); },
          [](const UnaryExpr& n) { return list(std::string(expression::name(n.op)), {n.operand.get()}); },
          [](const BinaryExpr& n) {
            return list(std::string(expression::name(n.op)) + (n.is_signed ? "" : "u"), {n.left.get(), n.right.get()});
          },
          [](const HighestBit& n) { return list("highest_bit" + number(n.bits), {n.operand.get()}); },
          [](const Conditional& n) { return list("if", {n.condition.get(), n.then_value.get(), n.else_value.get()}); },
          [](const StringCompare& n) { return list(n.equal ? "streq" : "strne", {n.left.get(), n.right.get()}); },
      },
      expr.node);
}

namespace {

/// Comparisons and logic are branches.
bool is_truth(expression::BinaryOp op) {
  using expression::BinaryOp;
  return (op >= BinaryOp::Lt && op <= BinaryOp::Ne) || op == BinaryOp::LogicAnd || op == BinaryOp::LogicOr;
}

}  // namespace

std::vector<const TypedExpr*> operands(const TypedExpr& expr) {
  return std::visit(
      Overloaded{
          [](const MemoryLoad& n) { return std::vector{n.base.get()}; },
          [](const MemoryBytes& n) { return std::vector{n.base.get()}; },
          [](const PointerString& n) { return std::vector{n.pointer.get()}; },
          [](const SocketAddress& n) { return std::vector{n.pointer.get()}; },
          [](const ShortString& n) { return std::vector{n.text.get()}; },
          [](const BitLetters& n) { return std::vector{n.bits.get()}; },
          [](const UnaryExpr& n) { return std::vector{n.operand.get()}; },
          [](const BinaryExpr& n) { return std::vector{n.left.get(), n.right.get()}; },
          [](const HighestBit& n) { return std::vector{n.operand.get()}; },
          [](const Conditional& n) { return std::vector{n.condition.get(), n.then_value.get(), n.else_value.get()}; },
          [](const StringCompare& n) { return std::vector{n.left.get(), n.right.get()}; },
          [](const auto&) { return std::vector<const TypedExpr*>{}; },
      },
      expr.node);
}

bool takes_scratch(const TypedExpr& expr) {
  return std::visit(
      Overloaded{
          [](const BuiltinValue&) { return true; },
          [](const ContextArgument& n) { return n.probe; },
          [](const LocBytes&) { return true; },
          [](const PointerString&) { return true; },
          [](const SocketAddress&) { return true; },
          [](const ShortString&) { return true; },
          [](const BitLetters&) { return true; },
          [](const MemoryLoad& n) { return !n.direct || takes_scratch(*n.base); },
          [](const MemoryBytes& n) { return !n.direct || takes_scratch(*n.base); },
          [](const UnaryExpr& n) { return n.op == expression::UnaryOp::LogicNot || takes_scratch(*n.operand); },
          [](const BinaryExpr& n) { return is_truth(n.op) || takes_scratch(*n.left) || takes_scratch(*n.right); },
          [](const HighestBit& n) { return takes_scratch(*n.operand); },
          [](const Conditional&) { return true; },
          [](const StringCompare&) { return true; },
          [](const auto&) { return false; },
      },
      expr.node);
}

bool uses_cpu(const TypedExpr& expr) {
  const auto* builtin = std::get_if<BuiltinValue>(&expr.node);
  const auto parts = operands(expr);
  return (builtin != nullptr && builtin->kind == BuiltinValue::Kind::Cpu) ||
         std::any_of(parts.begin(), parts.end(), [](const TypedExpr* part) { return uses_cpu(*part); });
}

bool may_fault(const TypedExpr& expr) {
  const auto* load = std::get_if<MemoryLoad>(&expr.node);
  const auto* bytes = std::get_if<MemoryBytes>(&expr.node);
  if ((load != nullptr && load->user) || (bytes != nullptr && !bytes->direct) ||
      std::holds_alternative<PointerString>(expr.node) || std::holds_alternative<SocketAddress>(expr.node)) {
    return true;
  }
  const auto parts = operands(expr);
  return std::any_of(parts.begin(), parts.end(), [](const TypedExpr* part) { return may_fault(*part); });
}

}  // namespace tpx::typed
