#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "typed/expr.h"

namespace tpx::typed {

/// One entry of an object's map, on one CPU where the map is per CPU. Bytes that it lacks read as 0.
struct MapEntry {
  std::span<const std::byte> key;
  std::span<const std::byte> value;
  std::uint32_t cpu = 0;
};

// What tracepoint metrics have computed in the kernel, metrics of objects have computed here, by the same arithmetic
// (typed/compute.h). The expressions are those that EntryNames binds.

/// The value of an integer expression, sign- or zero-extended to 64 bits.
[[nodiscard]] std::int64_t integer_of(const TypedExpr& expr, const MapEntry& entry);

/// The text of a string expression, up to its first NUL.
[[nodiscard]] std::string_view text_of(const TypedExpr& expr, const MapEntry& entry);

/// Writes the value as a key holds it: `to` has type.size bytes. Strings are padded with NUL, whatever stood behind theirs.
void evaluate(const TypedExpr& expr, const MapEntry& entry, std::span<std::byte> to);

}  // namespace tpx::typed
