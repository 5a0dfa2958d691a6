#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tpx::cli {

/// The fields that an expression may name without `args.`.
struct KnownFields {
  std::vector<std::string> own;    ///< of the tracepoint, or of the end of a pair
  std::vector<std::string> start;  ///< of a pair's start: a name that only it has becomes `from.args.NAME`
};

/// An expression as the user typed it, and as the configuration language writes it: `prev_pid > 0` → `args.prev_pid > 0`,
/// `from.id` → `from.args.id`. Builtins and functions keep their meaning (a field `pid` is `args.pid`), and so do words that
/// are no field and not near one, so that the parser says what they are. A plain value.
class TypedExpression {
 public:
  TypedExpression(std::string typed, const KnownFields& fields);

  [[nodiscard]] const std::string& typed() const { return typed_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  /// The column of typed() that stands for a column of text(); both count bytes from 1.
  [[nodiscard]] std::uint32_t typed_column(std::uint32_t column) const;

 private:
  void insert(std::uint32_t offset, std::string_view prefix);

  std::string typed_;
  std::string text_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> insertions_;  ///< offset in typed_, bytes
};

/// What the user typed for each option whose errors have a place. The location of such an error has the option as its file,
/// and the number of the option among its like as its line.
class TypedOptions {
 public:
  explicit TypedOptions(KnownFields fields = {}) : fields_(std::move(fields)) {}

  /// Remembers the expression that `option` has, and gives it as the configuration language writes it.
  std::string add(const std::string& option, const std::string& typed);

  /// Prints the error, and below it the option with a caret under what is wrong.
  void report(const Error& error) const;

  /// What report() prints.
  [[nodiscard]] std::string render(const Error& error) const;

 private:
  KnownFields fields_;
  std::vector<std::pair<std::string, TypedExpression>> options_;
};

/// The pieces between commas that are outside of parentheses, brackets and double quotes: `a,str(b, 8)` → `a`, `str(b, 8)`.
[[nodiscard]] std::vector<std::string> split_expressions(std::string_view text);

}  // namespace tpx::cli
