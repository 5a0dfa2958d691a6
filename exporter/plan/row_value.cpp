#include "plan/row_value.h"

#include <algorithm>
#include <cstring>

#include "base/overloaded.h"
#include "plan/fold.h"

namespace tpx::plan {

namespace {

std::span<const std::byte> bytes_at(const Row& row, RowArea area, std::uint32_t offset, std::uint32_t size) {
  const std::span<const std::byte> bytes = area == RowArea::Key ? row.key : row.value;
  if (offset >= bytes.size()) {
    return {};
  }
  return bytes.subspan(offset, std::min<std::size_t>(size, bytes.size() - offset));
}

std::int64_t extended(std::uint64_t number, std::uint32_t bits, bool is_signed) {
  if (bits >= 64) {
    return static_cast<std::int64_t>(number);
  }
  const std::uint64_t shifted = number << (64 - bits);
  return is_signed ? static_cast<std::int64_t>(shifted) >> (64 - bits)
                   : static_cast<std::int64_t>(shifted >> (64 - bits));
}

std::int64_t load(const RowInteger& integer, const Row& row) {
  std::uint64_t number = 0;
  const auto bytes = bytes_at(row, integer.area, integer.offset, std::min(integer.size, 8U));
  std::memcpy(&number, bytes.data(), bytes.size());
  return integer.bit_size > 0 ? extended(number >> integer.bit_offset, integer.bit_size, integer.is_signed)
                              : extended(number, integer.size * 8, integer.is_signed);
}

}  // namespace

std::int64_t integer_of(const RowValue& value, const Row& row) {
  return std::visit(
      Overloaded{[](const RowConstant& n) { return n.value; }, [](const RowText&) { return std::int64_t{0}; },
                 [&](const RowCpu&) { return static_cast<std::int64_t>(row.cpu); },
                 [&](const RowInteger& n) { return load(n, row); }, [](const RowBytes&) { return std::int64_t{0}; },
                 [&](const RowUnary& n) { return compute(n.op, integer_of(*n.operand, row)); },
                 [&](const RowBinary& n) {
                   return compute(n.op, integer_of(*n.left, row), integer_of(*n.right, row), n.is_signed);
                 },
                 [&](const RowConditional& n) {
                   return integer_of(integer_of(*n.condition, row) != 0 ? *n.then_value : *n.else_value, row);
                 },
                 [&](const RowCompare& n) {
                   return std::int64_t{(text_of(*n.left, row) == text_of(*n.right, row)) == n.equal ? 1 : 0};
                 }},
      value.node);
}

std::string_view text_of(const RowValue& value, const Row& row) {
  if (const auto* literal = std::get_if<RowText>(&value.node)) {
    return literal->text;
  }
  if (const auto* chosen = std::get_if<RowConditional>(&value.node)) {
    return text_of(integer_of(*chosen->condition, row) != 0 ? *chosen->then_value : *chosen->else_value, row);
  }
  if (const auto* text = std::get_if<RowBytes>(&value.node)) {
    const auto bytes = bytes_at(row, text->area, text->offset, text->size);
    const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return whole.substr(0, whole.find('\0'));
  }
  return {};
}

void write(const RowValue& value, const Row& row, std::span<std::byte> to) {
  std::fill(to.begin(), to.end(), std::byte{0});
  switch (value.type.kind) {
    case schema::ValueType::Kind::Integer: {
      const std::int64_t number = integer_of(value, row);
      std::memcpy(to.data(), &number, std::min<std::size_t>(to.size(), sizeof number));
      break;
    }
    case schema::ValueType::Kind::String: {
      const std::string_view text = text_of(value, row);
      std::memcpy(to.data(), text.data(), std::min(to.size(), text.size()));
      break;
    }
    case schema::ValueType::Kind::Bytes:
      if (const auto* bytes = std::get_if<RowBytes>(&value.node)) {
        const auto from = bytes_at(row, bytes->area, bytes->offset, bytes->size);
        std::copy_n(from.begin(), std::min(from.size(), to.size()), to.begin());
      }
      break;
  }
}

bool uses_cpu(const RowValue& value) {
  return std::visit(
      Overloaded{[](const RowCpu&) { return true; }, [](const RowUnary& n) { return uses_cpu(*n.operand); },
                 [](const RowBinary& n) { return uses_cpu(*n.left) || uses_cpu(*n.right); },
                 [](const RowConditional& n) {
                   return uses_cpu(*n.condition) || uses_cpu(*n.then_value) || uses_cpu(*n.else_value);
                 },
                 [](const RowCompare& n) { return uses_cpu(*n.left) || uses_cpu(*n.right); },
                 [](const auto&) { return false; }},
      value.node);
}

}  // namespace tpx::plan
