#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "plan/planner.h"
#include "typed/comparisons.h"
#include "typed/entry_names.h"

namespace tpx::plan {

/// A label of an object's metric: its place in the key comes later.
struct ObjectLabel {
  schema::KeyField field;
  TypedExprPtr value;
};

/// The labels that the key's type gives. `one_row`: an array of one element, which needs none. The error has no location.
[[nodiscard]] Result<std::vector<ObjectLabel>> labels_of_key(const typed::EntryNames& names, bool one_row);

/// The label that the configuration writes, its decoders taken off.
[[nodiscard]] Result<ObjectLabel> bind_label(const config::Label& label, const typed::EntryNames& names,
                                             const Options& options, typed::Comparisons& comparisons);

/// Whether a member only fills a gap.
[[nodiscard]] bool is_padding(const std::string& member);

}  // namespace tpx::plan
