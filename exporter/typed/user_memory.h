#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "expression/ast.h"
#include "kernel/kernel.h"
#include "typed/expr.h"

namespace tpx::typed {

/// A C type, with qualifiers removed and typedefs resolved.
struct UserType {
  unsigned pointers = 0;  ///< `*`s around `base`
  kernel::Btf::Type base;
  /// Size of a value in bytes. Pointers have 8, because the syscalls/* events exclude 32-bit calls. 0: unknown.
  [[nodiscard]] std::uint32_t size() const { return pointers > 0 ? 8 : base.size; }
};

/// The type of a syscall's argument as declared in the format file (`const char *const *`, `struct sockaddr *`, `gid_t *`).
/// Structs and rare typedefs need BTF. Nothing for a name that is in neither C nor the BTF.
[[nodiscard]] std::optional<UserType> user_type(std::string_view declared, const kernel::Btf* btf);

/// What an argument of this type points to: AddressOf::User, Pointers, SocketAddress, or Nothing.
[[nodiscard]] AddressOf user_address_of(const UserType& type);

/// Binds a chain of `[N]`, `->` and `.` on a pointer argument of a sys_enter_* event. Each step reads the memory of the
/// process with the width of its type. `pointer` is the argument's value, `field` its declaration. The error has no
/// location.
[[nodiscard]] Result<TypedExprPtr> bind_user_chain(const expression::Node& node, const kernel::Field& field,
                                                   const TypedExprPtr& pointer, const kernel::Btf* btf);

/// The address where the reads of user memory in `bound` start, if they form one chain (an argument points to a pointer,
/// which points to a string); null if there are no such reads.
[[nodiscard]] TypedExprPtr user_read_base(const TypedExprPtr& bound);

/// `bound` with its reads starting at another address.
[[nodiscard]] TypedExprPtr with_user_read_base(const TypedExprPtr& bound, const TypedExprPtr& base);

}  // namespace tpx::typed
