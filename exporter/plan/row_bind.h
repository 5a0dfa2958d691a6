#pragma once

#include <cstdint>
#include <string>

#include "expression/ast.h"
#include "kernel/btf.h"
#include "plan/comparisons.h"
#include "plan/row_value.h"

namespace tpx::plan {

/// What `key` and `value` mean for one map of an object. Borrows the BTF.
struct RowScope {
  const kernel::Btf* btf = nullptr;
  std::string map;
  std::uint32_t key_type = 0;  ///< BTF ids
  std::uint32_t value_type = 0;
  bool per_cpu = false;                ///< `cpu` is there
  SourceLocation at;                   ///< where the expression's text starts
  Comparisons* comparisons = nullptr;  ///< receives the findings about comparisons; may be null
};

/// Bytes of a row and their type.
struct RowPlace {
  RowArea area = RowArea::Key;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;  ///< of a bit-field; 0 otherwise
  std::uint32_t type = 0;      ///< BTF id
};

/// Resolves an expression over `key.X`, `value.X` and `cpu`. An error carries the location of what is wrong and the nearest
/// name as a hint.
[[nodiscard]] Result<RowValuePtr> bind_row(const expression::Node& node, const RowScope& scope);

/// The bytes that `key`, `value`, a member or an element of them stands for.
[[nodiscard]] Result<RowPlace> find_place(const expression::Node& node, const RowScope& scope);

/// The bytes as a value: integers and enums, char arrays as strings, other arrays and structs as bytes. The error has no
/// location.
[[nodiscard]] Result<RowValuePtr> value_at(const RowPlace& place, const kernel::Btf& btf);

/// `struct block_key`, `u32`, `char[16]`: for messages.
[[nodiscard]] std::string type_text(std::uint32_t id, const kernel::Btf& btf);

}  // namespace tpx::plan
