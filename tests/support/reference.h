#pragma once

#include <cstdint>
#include <string>

#include "expression/ast.h"
#include "schema/metric_schema.h"
#include "support/random_event.h"

namespace tpx::test {

/// What an expression is worth: its meaning, apart from how the kernel is made to compute it.
struct Value {
  schema::ValueType type;
  std::int64_t integer = 0;  ///< extended to 64 bits
  std::string text;          ///< of a string up to its NUL; of an array all bytes
};

/// Evaluates expressions as docs/configuration.md says, on the record of an event, walking the tree: a second
/// implementation of what kernel/format, typed/ and codegen/ do, sharing nothing with them. Types are those of the format
/// file's text and of the kernel's BTF. (The tree is the parser's, which expression_property_test.cpp judges.) Throws
/// std::runtime_error on what the checker must have refused.
class Reference {
 public:
  /// `start`: of a pair's end, the event that started it; else null.
  explicit Reference(const Event& event, const Event* start = nullptr) : event_(event), start_(start) {}

  [[nodiscard]] Value evaluate(const expression::Node& node) const;
  /// Parses and evaluates.
  [[nodiscard]] Value evaluate(const std::string& text) const;

 private:
  [[nodiscard]] Value builtin(expression::Builtin builtin, bool from) const;
  [[nodiscard]] Value field(const expression::Argument& argument) const;
  [[nodiscard]] Value element(const expression::Index& index) const;
  [[nodiscard]] Value unary(const expression::Unary& unary) const;
  [[nodiscard]] Value binary(const expression::Binary& binary) const;
  [[nodiscard]] Value call(const expression::Call& call) const;
  [[nodiscard]] const Event& origin(bool from) const;

  const Event& event_;
  const Event* start_;
};

}  // namespace tpx::test
