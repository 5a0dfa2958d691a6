#pragma once

#include <string_view>

#include "expression/ast.h"
#include "typed/bind.h"
#include "typed/raw_names.h"

namespace tpx::typed {

/// Functions for the rows of the event.field table only (RawNames), in addition to those of the language:
///
/// - `highest_bit(X)`: 1 << (fls(X) - 1), as the kernel computes it.
/// - `bit("__REQ_SYNC")`: 1 shifted left by the value of an enumerator.
/// - `letters(X, MASK, "S", …)`: a string of at most 8 letters. Each pair of mask and text adds its text if X has all bits of MASK.
///   A text like `"REQ_OP_READ=R REQ_OP_WRITE=W *=N"` chooses the letters by the value of X & MASK: enumerators that the kernel
///   lacks are skipped, `*` matches all other values.
/// - `signed(X)`: X; an error if its type is not signed.
/// - `bytes(PLACE)`: the bytes of a member as an array, whatever its type.
/// - `cast(POINTER, "inet_sock")`: the pointer with the type of that struct; its members are read with bpf_probe_read_kernel.
///
/// An error means that the running kernel lacks something that the row requires.
[[nodiscard]] bool is_mapping_function(std::string_view name);
[[nodiscard]] Result<TypedExprPtr> bind_mapping_function(const expression::Call& call, const RawNames& names,
                                                         const Binder& binder);

}  // namespace tpx::typed
