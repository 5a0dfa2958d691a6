#pragma once

#include "expression/ast.h"

namespace tpx::expression {

/// The leftmost leaf of a chain of members and elements: `args.next` of `args.next->comm[0]`. The node itself where it is none.
[[nodiscard]] const Node& root_of(const Node& node);

/// Whether a chain begins with `from.`: a value from the start of a pair.
[[nodiscard]] bool is_from(const Node& node);

/// The tree with `from.` taken off, as the start event sees it.
[[nodiscard]] NodePtr strip_from(const Node& node);

/// The number of an element that is a literal, up to 65535; nothing otherwise.
[[nodiscard]] std::optional<std::uint32_t> constant_index(const Node& node);

}  // namespace tpx::expression
