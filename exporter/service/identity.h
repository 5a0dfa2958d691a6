#pragma once

#include <string>
#include <vector>

#include "plan/program_plan.h"

namespace tpx::service {

/// For each metric of the plan a text that is equal for two metrics exactly if the counts of one continue those of the
/// other: their name, the layouts of keys, values, stores and pairs, the unit of the value, the attach points, the
/// expressions of labels, filters and values with their types, and the decoders. (With other decoders the labels are others,
/// and so are the series: those that begin must not begin with what the old ones counted.) Help texts, `min_age` and notes
/// do not matter. Pure.
/// See docs/design/continuity.md.
[[nodiscard]] std::vector<std::string> identities(const plan::Plan& plan);

}  // namespace tpx::service
