#pragma once

#include "typed/bind.h"

namespace tpx::typed {

/// str(X) and str(X, N): the string that a pointer points to, in memory of this space, or a string cut to N bytes.
[[nodiscard]] Result<TypedExprPtr> bind_str(const expression::Node& node, const expression::Call& call,
                                            const Binder& binder, PointerString::Space space);

/// At most `limit` bytes of a string; `size` is what that takes in a key, with the NUL of what is read as a string.
[[nodiscard]] TypedExprPtr shorten(const TypedExprPtr& text, std::uint32_t limit, std::uint32_t size);

}  // namespace tpx::typed
