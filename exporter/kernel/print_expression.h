#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tpx::kernel::print {

/// A token of a print format: C as the kernel's macros leave it.
struct Token {
  enum class Kind : std::uint8_t { Name, Number, String, Punctuator };
  Kind kind = Kind::Punctuator;
  std::string text;          ///< a string's content, escapes resolved, neighbours joined; else as written
  std::uint64_t number = 0;  ///< of Number, also of a character
};

/// Never fails: what is no token of C becomes a punctuator that no rule accepts.
[[nodiscard]] std::vector<Token> tokenize(std::string_view text);

/// The ranges of `tokens` between commas that stand outside all brackets.
[[nodiscard]] std::vector<std::span<const Token>> split_arguments(std::span<const Token> tokens);

/// The tokens between the bracket at `open` and its partner; nothing when it has none.
[[nodiscard]] std::optional<std::span<const Token>> inside_brackets(std::span<const Token> tokens, std::size_t open);

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

/// An expression of a print format. Of bounded depth, so that walking it recursively is safe.
struct Expression {
  enum class Kind : std::uint8_t {
    Number,
    Name,         ///< an enumerator or macro that the kernel left as it was
    Field,        ///< REC->text
    String,       ///< text
    Cast,         ///< (text) 0
    Unary,        ///< text 0
    Binary,       ///< 0 text 1
    Conditional,  ///< 0 ? 1 : 2
    Call,         ///< text(0, 1, …)
    Opaque        ///< an index, a member, anything else that has no use here
  };
  Kind kind = Kind::Opaque;
  std::string text;
  std::uint64_t number = 0;
  std::vector<ExpressionPtr> children;
  unsigned depth = 1;
};

/// Null for what is not one whole expression, and for one nested deeper than the kernel's ever are.
[[nodiscard]] ExpressionPtr parse(std::span<const Token> tokens);

/// What a name stands for; nothing when unknown.
using Resolver = std::function<std::optional<std::uint64_t>(const std::string&)>;

/// The value of a constant expression in 64-bit two's complement; nothing when it is none.
[[nodiscard]] std::optional<std::uint64_t> evaluate(const Expression& expression, const Resolver& resolver = {});

}  // namespace tpx::kernel::print
