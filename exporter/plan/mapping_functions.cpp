#include "plan/mapping_functions.h"

#include <algorithm>
#include <array>

#include "plan/bind_fields.h"

namespace tpx::plan {

namespace {

using expression::Node;

constexpr std::uint32_t kLetters = 8;

const std::string* text_of(const Node& node) {
  const auto* literal = std::get_if<expression::StringLiteral>(&node.value);
  return literal == nullptr ? nullptr : &literal->value;
}

Result<BoundPtr> bind_bit(const expression::Call& call, const Scope& scope) {
  const std::string* name = text_of(*call.arguments.at(0));
  const auto value = name == nullptr ? std::nullopt : scope.btf->enumerator(*name);
  if (!value || *value > 62) {
    return fail("this kernel has no such flag");
  }
  return constant(std::int64_t{1} << *value);
}

/// `NAME=LETTERS` pairs, one space between two.
BitLetters::Piece choices(std::string_view text, std::uint64_t mask, const Scope& scope) {
  BitLetters::Piece piece{mask, {}, {}};
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const auto equals = pair.find('=');
    const std::string name(pair.substr(0, equals));
    const std::string letters(pair.substr(equals + 1));
    if (name == "*") {
      piece.otherwise = letters;
    } else if (const auto value = scope.btf->enumerator(name)) {
      piece.choices.push_back({*value, letters});
    }
  }
  return piece;
}

Result<BoundPtr> bind_letters(const expression::Call& call, const Scope& scope) {
  auto bits = bind(*call.arguments.at(0), scope);
  if (!bits) {
    return bits;
  }
  BitLetters letters{*bits, {}};
  for (std::size_t i = 1; i + 1 < call.arguments.size(); i += 2) {
    auto mask = bind(*call.arguments[i], scope);
    if (!mask) {
      return mask;
    }
    const auto* value = std::get_if<Constant>(&(*mask)->node);
    const std::string* text = text_of(*call.arguments[i + 1]);
    if (value == nullptr || text == nullptr) {
      return fail("letters() takes constant masks and texts");
    }
    const auto bits_of_piece = static_cast<std::uint64_t>(value->value);
    if (text->find('=') != std::string::npos) {
      letters.pieces.push_back(choices(*text, bits_of_piece, scope));
    } else {
      letters.pieces.push_back({bits_of_piece, {{bits_of_piece, *text}}, {}});
    }
  }
  return make_bound(std::move(letters), {schema::ValueType::Kind::String, kLetters, false});
}

}  // namespace

bool is_mapping_function(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames{"highest_bit", "bit", "letters", "signed", "bytes", "cast"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Result<BoundPtr> bind_mapping_function(const expression::Call& call, const Scope& scope) {
  if (call.function == "bit") {
    return bind_bit(call, scope);
  }
  if (call.function == "letters") {
    return bind_letters(call, scope);
  }
  if (call.function == "bytes") {
    return bind_bytes(*call.arguments.at(0), scope);
  }
  if (call.function == "cast") {
    return fail("cast() gives a pointer: a member must follow");
  }
  auto operand = bind(*call.arguments.at(0), scope);
  if (!operand) {
    return operand;
  }
  if (call.function == "signed") {
    return (*operand)->type.is_signed ? operand : Result<BoundPtr>(fail("this kernel has it without a sign"));
  }
  return make_bound(HighestBit{*operand, 32}, {schema::ValueType::Kind::Integer, 8, true});
}

}  // namespace tpx::plan
