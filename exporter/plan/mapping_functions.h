#pragma once

#include <string_view>

#include "expression/ast.h"
#include "plan/bind.h"
#include "plan/bound.h"

namespace tpx::plan {

/// Functions that only rows of the event.field table know (Scope::internal), beside the language's own:
///
/// - `highest_bit(X)`: what 1 << (fls(X) - 1) is in the kernel.
/// - `bit("__REQ_SYNC")`: 1 << the value of an enumerator.
/// - `letters(X, MASK, "S", …)`: a text of at most 8 letters. For each mask and text: the text where X has bits of the mask;
///   `"REQ_OP_READ=R REQ_OP_WRITE=W *=N"` instead of a text chooses by X & MASK among values of enumerators (those that the
///   kernel lacks are left out), `*` for all others.
/// - `signed(X)`: X, where its type is signed.
/// - `bytes(PLACE)`: the bytes of a member as an array, whatever its type.
/// - `cast(POINTER, "inet_sock")`: the pointer as one to that struct; members behind it are read by bpf_probe_read_kernel.
///
/// An error means that the running kernel lacks something that the row needs.
[[nodiscard]] bool is_mapping_function(std::string_view name);
[[nodiscard]] Result<BoundPtr> bind_mapping_function(const expression::Call& call, const Scope& scope);

}  // namespace tpx::plan
