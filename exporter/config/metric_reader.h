#pragma once

#include <optional>

#include "config/config.h"
#include "config/reader.h"

namespace tpx::config {

/// Appends one item of `metrics:` to the file's metrics; with an error, to its incomplete ones. Names used twice are the
/// caller's to find.
void read_metric(Reader& reader, const yaml::Node& node, Config::File& file);

/// One item of `programs:`. Its metrics that have an error are incomplete; all are when the object itself has one. None when
/// it names no file.
[[nodiscard]] std::optional<Object> read_object(Reader& reader, const yaml::Node& node);

}  // namespace tpx::config
