#pragma once

#include <optional>
#include <variant>

#include "config/config.h"
#include "config/reader.h"

namespace tpx::config {

/// Where a metric's events come from: exactly one of `tracepoint`, `raw_tracepoint`, `from` with `to`. After an
/// error: what could be read of it, or none.
[[nodiscard]] std::optional<std::variant<Events, Pair>> read_source(Reader& reader, const Fields& fields,
                                                                    const yaml::Node& metric);

}  // namespace tpx::config
