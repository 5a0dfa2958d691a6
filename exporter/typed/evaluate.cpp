#include "typed/evaluate.h"

#include <algorithm>
#include <cstring>

#include "base/overloaded.h"
#include "typed/compute.h"

namespace tpx::typed {

namespace {

std::span<const std::byte> bytes_at(const MapEntry& entry, EntryArea area, std::uint32_t offset, std::uint32_t size) {
  const std::span<const std::byte> bytes = area == EntryArea::Key ? entry.key : entry.value;
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

std::int64_t load(const EntryLoad& integer, const MapEntry& entry) {
  std::uint64_t number = 0;
  const auto bytes = bytes_at(entry, integer.area, integer.offset, std::min(integer.size, 8U));
  if (!bytes.empty()) {
    std::memcpy(&number, bytes.data(), bytes.size());
  }
  return integer.bit_size > 0 ? extended(number >> integer.bit_offset, integer.bit_size, integer.is_signed)
                              : extended(number, integer.size * 8, integer.is_signed);
}

const TypedExpr& chosen(const Conditional& conditional, const MapEntry& entry) {
  return integer_of(*conditional.condition, entry) != 0 ? *conditional.then_value : *conditional.else_value;
}

std::span<const std::byte> bytes_of(const TypedExpr& expr, const MapEntry& entry) {
  if (const auto* conditional = std::get_if<Conditional>(&expr.node)) {
    return bytes_of(chosen(*conditional, entry), entry);
  }
  const auto* bytes = std::get_if<EntryBytes>(&expr.node);
  return bytes == nullptr ? std::span<const std::byte>() : bytes_at(entry, bytes->area, bytes->offset, bytes->size);
}

}  // namespace

std::int64_t integer_of(const TypedExpr& expr, const MapEntry& entry) {
  return std::visit(
      Overloaded{[](const Constant& n) { return n.value; },
                 [&](const BuiltinValue& n) {
                   return n.kind == BuiltinValue::Kind::Cpu ? static_cast<std::int64_t>(entry.cpu) : 0;
                 },
                 [&](const EntryLoad& n) { return load(n, entry); },
                 [&](const UnaryExpr& n) { return compute(n.op, integer_of(*n.operand, entry)); },
                 [&](const BinaryExpr& n) {
                   return compute(n.op, integer_of(*n.left, entry), integer_of(*n.right, entry), n.is_signed);
                 },
                 [&](const Conditional& n) { return integer_of(chosen(n, entry), entry); },
                 [&](const StringCompare& n) {
                   return std::int64_t{(text_of(*n.left, entry) == text_of(*n.right, entry)) == n.equal ? 1 : 0};
                 },
                 [](const auto&) { return std::int64_t{0}; }},
      expr.node);
}

std::string_view text_of(const TypedExpr& expr, const MapEntry& entry) {
  if (const auto* literal = std::get_if<StringConstant>(&expr.node)) {
    return literal->text;
  }
  if (const auto* conditional = std::get_if<Conditional>(&expr.node)) {
    return text_of(chosen(*conditional, entry), entry);
  }
  const auto bytes = bytes_of(expr, entry);
  const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return whole.substr(0, whole.find('\0'));
}

void evaluate(const TypedExpr& expr, const MapEntry& entry, std::span<std::byte> to) {
  std::fill(to.begin(), to.end(), std::byte{0});
  switch (expr.type.kind) {
    case schema::ValueType::Kind::Integer: {
      const std::int64_t number = integer_of(expr, entry);
      std::memcpy(to.data(), &number, std::min<std::size_t>(to.size(), sizeof number));
      break;
    }
    case schema::ValueType::Kind::String: {
      const std::string_view text = text_of(expr, entry);
      std::copy_n(text.begin(), std::min(to.size(), text.size()), reinterpret_cast<char*>(to.data()));
      break;
    }
    case schema::ValueType::Kind::Bytes: {
      const auto from = bytes_of(expr, entry);
      std::copy_n(from.begin(), std::min(from.size(), to.size()), to.begin());
      break;
    }
  }
}

}  // namespace tpx::typed
