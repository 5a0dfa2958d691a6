#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "kernel/btf.h"
#include "typed/names.h"

namespace tpx::typed {

/// Bytes of an entry and their type.
struct EntryPlace {
  EntryArea area = EntryArea::Key;
  std::uint32_t bit_offset = 0;
  std::uint32_t bit_size = 0;  ///< of a bit-field; 0 otherwise
  std::uint32_t type = 0;      ///< BTF id
};

/// One map of an object. Borrows the BTF.
struct EntryTypes {
  const kernel::Btf* btf = nullptr;
  std::string map;
  std::uint32_t key_type = 0;  ///< BTF ids
  std::uint32_t value_type = 0;
  bool per_cpu = false;
};

/// `key.X` and `value.X` are members of a map's key and value, by the BTF of its program; `cpu` is that of an entry of a
/// per-CPU map. What this binds, evaluate.h computes.
class EntryNames : public Names {
 public:
  explicit EntryNames(EntryTypes types) : types_(std::move(types)) {}

  [[nodiscard]] const EntryTypes& types() const { return types_; }

  [[nodiscard]] Result<TypedExprPtr> place(const expression::Node& node) const override;
  [[nodiscard]] Result<TypedExprPtr> builtin(expression::Builtin builtin) const override;
  /// No function is known.
  [[nodiscard]] Result<TypedExprPtr> call(const expression::Node& node, const expression::Call& call,
                                          const Binder& binder) const override;
  [[nodiscard]] Result<TypedExprPtr> at_start(const expression::Node& node) const override;

  /// The bytes that `key`, `value`, a member or an element of them stands for.
  [[nodiscard]] Result<EntryPlace> find(const expression::Node& node) const;

 private:
  [[nodiscard]] Result<EntryPlace> root(const expression::Argument& argument) const;
  [[nodiscard]] Result<EntryPlace> member_of(const EntryPlace& base, const std::string& name) const;
  [[nodiscard]] Result<EntryPlace> element_of(const EntryPlace& base, const expression::Node& index) const;

  EntryTypes types_;
};

/// The bytes as a value: integers and enums, char arrays as strings, other arrays and structs as bytes. The error has no
/// location.
[[nodiscard]] Result<TypedExprPtr> value_at(const EntryPlace& place, const kernel::Btf& btf);

/// `struct block_key`, `u32`, `char[16]`: for messages.
[[nodiscard]] std::string type_text(std::uint32_t id, const kernel::Btf& btf);

}  // namespace tpx::typed
