#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <vector>

#include "expose/http_statistics.h"

namespace tpx::expose {

/// What the HTTP server counts about itself, and how many lines of the log were lost, as families.
[[nodiscard]] std::vector<prometheus::MetricFamily> server_families(const HttpStatistics& http,
                                                                    std::uint64_t lost_log_messages);

}  // namespace tpx::expose
