#pragma once

#include "expression/ast.h"
#include "plan/bind.h"
#include "plan/bound.h"

namespace tpx::plan {

/// Binds `args.X` and what follows it (members, elements) in a scope. The error has no location yet.
[[nodiscard]] Result<BoundPtr> bind_field(const expression::Node& node, const Scope& scope);

/// The bytes of a member of a raw argument as an array, whatever its type.
[[nodiscard]] Result<BoundPtr> bind_bytes(const expression::Node& node, const Scope& scope);

/// The BTF type of a chain over raw arguments, qualifiers and typedefs stripped: for the names of enums. Nothing when the
/// chain does not bind or the scope is not Raw.
[[nodiscard]] std::optional<kernel::Btf::Type> raw_type(const expression::Node& node, const Scope& scope);

}  // namespace tpx::plan
