#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "expression/ast.h"
#include "schema/metric_schema.h"

namespace tpx::plan {

/// One row of an object's map, on one CPU where the map is per CPU.
struct Row {
  std::span<const std::byte> key;
  std::span<const std::byte> value;
  std::uint32_t cpu = 0;
};

/// An expression over a row, every name resolved to bytes of its key or value. What tracepoint metrics have evaluated in the
/// kernel, metrics of objects have evaluated here, by the same arithmetic (plan/fold.h). Immutable, shared.
/// See docs/design/expressions.md.
struct RowValue;
using RowValuePtr = std::shared_ptr<const RowValue>;

enum class RowArea : std::uint8_t { Key, Value };

struct RowConstant {
  std::int64_t value = 0;
};
struct RowText {
  std::string text;
};
/// The CPU that the row belongs to.
struct RowCpu {};
/// The integer of `size` bytes (1, 2, 4, 8) at `offset`; `bit_size` > 0: that many bits, from bit `bit_offset` of the
/// little-endian number there.
struct RowInteger {
  RowArea area = RowArea::Key;
  std::uint32_t offset = 0;
  std::uint32_t size = 8;
  bool is_signed = false;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;
};
/// A char array or opaque bytes.
struct RowBytes {
  RowArea area = RowArea::Key;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};
struct RowUnary {
  expression::UnaryOp op = expression::UnaryOp::Negate;
  RowValuePtr operand;
};
struct RowBinary {
  expression::BinaryOp op = expression::BinaryOp::Add;
  RowValuePtr left;
  RowValuePtr right;
  bool is_signed = true;
};
struct RowConditional {
  RowValuePtr condition;
  RowValuePtr then_value;
  RowValuePtr else_value;
};
struct RowCompare {
  RowValuePtr left;
  RowValuePtr right;
  bool equal = true;
};

struct RowValue {
  std::variant<RowConstant, RowText, RowCpu, RowInteger, RowBytes, RowUnary, RowBinary, RowConditional, RowCompare>
      node;
  schema::ValueType type;
};

/// The value of an integer expression, sign- or zero-extended to 64 bits. Bytes that the row lacks read as 0.
[[nodiscard]] std::int64_t integer_of(const RowValue& value, const Row& row);

/// The text of a string expression, up to its first NUL.
[[nodiscard]] std::string_view text_of(const RowValue& value, const Row& row);

/// Writes the value as a key holds it: `to` has type.size bytes. Strings are padded with NUL, whatever stood behind theirs.
void write(const RowValue& value, const Row& row, std::span<std::byte> to);

/// Whether the value is not the same on all CPUs: it has `cpu` in it.
[[nodiscard]] bool uses_cpu(const RowValue& value);

}  // namespace tpx::plan
