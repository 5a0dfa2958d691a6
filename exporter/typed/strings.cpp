#include "typed/strings.h"

#include <algorithm>

#include "base/overloaded.h"
#include "expression/tree.h"

namespace tpx::typed {

namespace {

using expression::Node;

constexpr std::uint32_t kDefaultString = 64;
constexpr std::int64_t kLongestString = 255;

Result<std::uint32_t> string_limit(const expression::Call& call, const Binder& binder) {
  if (call.arguments.size() < 2) {
    return kDefaultString;
  }
  auto limit = binder.bind(*call.arguments[1]);
  if (!limit) {
    return fail(std::move(limit.error()));
  }
  const auto* value = std::get_if<Constant>(&(*limit)->node);
  if (value == nullptr || value->value < 1 || value->value > kLongestString) {
    return binder.error(*call.arguments[1], "the length of str() is a number from 1 to 255");
  }
  return static_cast<std::uint32_t>(value->value);
}

/// Of a string. Of a field whose length only the event knows: as many bytes as are asked for, also more than usual.
TypedExprPtr limited(const TypedExprPtr& text, const Node& written, std::uint32_t limit, std::uint32_t size) {
  const bool field = std::holds_alternative<expression::Argument>(written.value);
  const schema::ValueType type{schema::ValueType::Kind::String, size, false};
  if (const auto* loc = std::get_if<LocBytes>(&text->node); field && loc != nullptr) {
    return make_typed(LocBytes{loc->offset, loc->relative, true, limit + 1}, type);
  }
  if (const auto* mapped = std::get_if<PointerString>(&text->node); field && mapped != nullptr) {
    return make_typed(PointerString{mapped->pointer, limit + 1, mapped->space}, type);
  }
  return shorten(text, limit, size);
}

}  // namespace

Result<TypedExprPtr> bind_str(const Node& node, const expression::Call& call, const Binder& binder,
                              PointerString::Space space) {
  if (call.arguments.empty() || call.arguments.size() > 2) {
    return fail("str() takes a pointer and a length, got " + std::to_string(call.arguments.size()) + " values",
                "write str(args.FIELD) or str(args.FIELD, 32)");
  }
  const Node& written = *call.arguments[0];
  if (expression::is_from(written)) {
    return binder.at_start(node);
  }
  auto limit = string_limit(call, binder);
  if (!limit) {
    return fail(std::move(limit.error()));
  }
  auto pointer = binder.bind(written);
  if (!pointer) {
    return pointer;
  }
  const schema::ValueType& type = (*pointer)->type;
  const std::uint32_t size = (*limit + 1 + 7) / 8 * 8;
  if (type.kind == schema::ValueType::Kind::String) {
    return limited(*pointer, written, *limit, size);
  }
  if (type.kind != schema::ValueType::Kind::Integer || type.size != 8) {
    return binder.error(written, "str() takes a pointer, this is " + describe(type));
  }
  if ((*pointer)->address_of == AddressOf::Pointers) {
    const std::string text = expression::to_text(written);
    return binder.error(written, "\"" + text + "\" points to pointers, not to text", "write str(" + text + "[0])");
  }
  return make_typed(PointerString{*pointer, *limit + 1, space}, {schema::ValueType::Kind::String, size, false});
}

TypedExprPtr shorten(const TypedExprPtr& text, std::uint32_t limit, std::uint32_t size) {
  if (text->type.size <= limit) {
    return text;
  }
  TypedExpr shorter = *text;
  shorter.type.size = std::min(shorter.type.size, size);
  bool cut = true;
  std::visit(Overloaded{
                 [&](LocBytes& n) { n.size = std::min(n.size, limit + 1); },
                 [&](PointerString& n) { n.size = std::min(n.size, limit + 1); },
                 [&](ContextBytes& n) { n.size = std::min(n.size, limit); },
                 [&](MemoryBytes& n) { n.size = std::min(n.size, limit); },
                 [&](Conditional& n) {
                   n.then_value = shorten(n.then_value, limit, size);
                   n.else_value = shorten(n.else_value, limit, size);
                 },
                 [&](StringConstant& n) { n.text.resize(std::min<std::size_t>(n.text.size(), limit)); },
                 [&](auto&) { cut = false; },
             },
             shorter.node);
  return cut ? std::make_shared<const TypedExpr>(std::move(shorter))
             : make_typed(ShortString{text, limit}, shorter.type);
}

}  // namespace tpx::typed
