#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "expression/ast.h"
#include "plan/bind.h"
#include "plan/bound.h"

namespace tpx::plan {

/// A C type: what is left of a declaration when its qualifiers and typedefs are resolved.
struct UserType {
  unsigned pointers = 0;  ///< `*`s around `base`
  kernel::Btf::Type base;
  /// Bytes that a value of it takes: user pointers have 8, as the syscalls/* events leave 32-bit calls out. 0: unknown.
  [[nodiscard]] std::uint32_t size() const { return pointers > 0 ? 8 : base.size; }
};

/// The type that a format declares a syscall's argument with (`const char *const *`, `struct sockaddr *`, `gid_t *`).
/// Structs and rare typedefs need BTF. Nothing for a name that neither C nor the BTF knows.
[[nodiscard]] std::optional<UserType> user_type(std::string_view declared, const kernel::Btf* btf);

/// What an argument of that type is the address of: AddressOf::User, Pointers, SocketAddress, or Nothing.
[[nodiscard]] AddressOf user_address_of(const UserType& type);

/// Binds a chain of `[N]`, `->` and `.` over a pointer argument of a sys_enter_* event: read from the memory of the process
/// at each type's width. `pointer` is the argument's value, `field` its declaration. The error has no location.
[[nodiscard]] Result<BoundPtr> bind_user_chain(const expression::Node& node, const kernel::Field& field,
                                               const BoundPtr& pointer, const Scope& scope);

/// The address at which the reads of user memory in `bound` begin, where they are one chain (a string behind a pointer
/// behind an argument); null where there are none.
[[nodiscard]] BoundPtr user_read_base(const BoundPtr& bound);

/// The same reads from another address.
[[nodiscard]] BoundPtr with_user_read_base(const BoundPtr& bound, const BoundPtr& base);

}  // namespace tpx::plan
