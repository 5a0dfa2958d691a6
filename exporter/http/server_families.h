#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <vector>

#include "http/statistics.h"

namespace tpx::http {

/// The metric families of the HTTP server's own counters and of the number of lost log lines.
[[nodiscard]] std::vector<prometheus::MetricFamily> server_families(const HttpStatistics& http,
                                                                    std::uint64_t lost_log_messages);

}  // namespace tpx::http
