#pragma once

#include <optional>

#include "config/config.h"
#include "config/reader.h"

namespace tpx::config {

/// One item of `metrics:`; none after an error. Names used twice are the caller's to find.
[[nodiscard]] std::optional<Metric> read_metric(Reader& reader, const yaml::Node& node);

/// One item of `programs:`. Its metrics that have an error are left out; none when the object itself is wrong.
[[nodiscard]] std::optional<Object> read_object(Reader& reader, const yaml::Node& node);

}  // namespace tpx::config
