#include "typed/mapping_functions.h"

#include <algorithm>
#include <array>

#include "typed/raw_names.h"

namespace tpx::typed {

namespace {

using expression::Node;

constexpr std::uint32_t kLetters = 8;

const std::string* text_of(const Node& node) {
  const auto* literal = std::get_if<expression::StringLiteral>(&node.value);
  return literal == nullptr ? nullptr : &literal->value;
}

Result<TypedExprPtr> bind_bit(const expression::Call& call, const kernel::Btf& btf) {
  const std::string* name = text_of(*call.arguments.at(0));
  const auto value = name == nullptr ? std::nullopt : btf.enumerator(*name);
  if (!value || *value > 62) {
    return fail("this kernel has no such flag");
  }
  return constant(std::int64_t{1} << *value);
}

/// `NAME=LETTERS` pairs, one space between two.
BitLetters::Piece choices(std::string_view text, std::uint64_t mask, const kernel::Btf& btf) {
  BitLetters::Piece piece{mask, {}, {}};
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const auto equals = pair.find('=');
    const std::string name(pair.substr(0, equals));
    const std::string letters(pair.substr(equals + 1));
    if (name == "*") {
      piece.otherwise = letters;
    } else if (const auto value = btf.enumerator(name)) {
      piece.choices.push_back({*value, letters});
    }
  }
  return piece;
}

Result<TypedExprPtr> bind_letters(const expression::Call& call, const kernel::Btf& btf, const Binder& binder) {
  auto bits = binder.bind(*call.arguments.at(0));
  if (!bits) {
    return bits;
  }
  BitLetters letters{*bits, {}};
  for (std::size_t i = 1; i + 1 < call.arguments.size(); i += 2) {
    auto mask = binder.bind(*call.arguments[i]);
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
      letters.pieces.push_back(choices(*text, bits_of_piece, btf));
    } else {
      letters.pieces.push_back({bits_of_piece, {{bits_of_piece, *text}}, {}});
    }
  }
  return make_typed(std::move(letters), {schema::ValueType::Kind::String, kLetters, false});
}

}  // namespace

bool is_mapping_function(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames{"highest_bit", "bit", "letters", "signed", "bytes", "cast"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Result<TypedExprPtr> bind_mapping_function(const expression::Call& call, const RawNames& names, const Binder& binder) {
  const kernel::Btf& btf = *names.event().btf;
  if (call.function == "bit") {
    return bind_bit(call, btf);
  }
  if (call.function == "letters") {
    return bind_letters(call, btf, binder);
  }
  if (call.function == "bytes") {
    return names.bytes(*call.arguments.at(0));
  }
  if (call.function == "cast") {
    return fail("cast() gives a pointer: a member must follow");
  }
  auto operand = binder.bind(*call.arguments.at(0));
  if (!operand) {
    return operand;
  }
  if (call.function == "signed") {
    return (*operand)->type.is_signed ? operand : Result<TypedExprPtr>(fail("this kernel has it without a sign"));
  }
  return make_typed(HighestBit{*operand, 32}, {schema::ValueType::Kind::Integer, 8, true});
}

}  // namespace tpx::typed
