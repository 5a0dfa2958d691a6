#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tpx::expression {

/// One word of an expression. `text` views the source; an Integer has its value in `integer`, a String its bytes,
/// escapes undone, in `string`. A Symbol is an operator or punctuation.
struct Token {
  enum class Kind : std::uint8_t { Integer, String, Identifier, Symbol, End };
  Kind kind = Kind::End;
  std::string_view text;
  std::uint32_t begin = 0;  ///< byte offset in the source
  std::uint32_t end = 0;
  std::uint64_t integer = 0;
  std::string string = {};

  [[nodiscard]] bool is(std::string_view symbol) const { return kind == Kind::Symbol && text == symbol; }
  [[nodiscard]] bool word(std::string_view name) const { return kind == Kind::Identifier && text == name; }
};

/// All tokens of `text`, ended by one of Kind::End. The tokens view `text`. `at` is where it starts, for errors.
[[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view text, const SourceLocation& at);

/// An error at byte `offset` of an expression that starts at `at`.
[[nodiscard]] tl::unexpected<Error> fail_at(std::size_t offset, const SourceLocation& at, std::string message,
                                            std::string hint = {});

}  // namespace tpx::expression
