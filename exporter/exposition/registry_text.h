#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "exposition/text_writer.h"

namespace tpx::exposition {

/// Writes what a prometheus-cpp registry collected (the exporter's own metrics) to the page, in the page's format. Label
/// values and help are repaired to valid UTF-8; families without metrics are left out.
void write_families(TextWriter& writer, const std::vector<prometheus::MetricFamily>& families);

}  // namespace tpx::exposition
