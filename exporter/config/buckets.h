#pragma once

#include <optional>

#include "config/config.h"
#include "config/reader.h"

namespace tpx::config {

/// `buckets:` of a metric; none after an error.
[[nodiscard]] std::optional<Buckets> read_buckets(Reader& reader, const yaml::Node& node);

}  // namespace tpx::config
