#pragma once

#include <string>
#include <vector>

#include "kernel/support/both_types.h"

namespace tpx::test {

/// Every field of an event that the event.field table gives on this kernel, as comparisons of a few fields each. Empty where
/// the kernel has no such event.
[[nodiscard]] std::vector<Compared> mapped_fields(const std::string& event, const std::string& filter,
                                                  std::uint64_t at_least);

/// mapped_fields() of each event, with one filter.
[[nodiscard]] std::vector<Compared> all_mapped(const std::vector<std::string>& events, const std::string& filter,
                                               std::uint64_t at_least);

}  // namespace tpx::test
