#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace tpx::expose {

/// Appends prometheus-cpp's families as Prometheus text 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats) or OpenMetrics 1.0 (without the final `# EOF`: other
/// families follow). Help and label values become valid UTF-8 and are escaped; buckets are written by increasing `le`
/// and always end in +Inf; in OpenMetrics a counter's family has no `_total` and `le` is a float.
void write_families(const std::vector<prometheus::MetricFamily>& families, bool openmetrics, std::string& out);

}  // namespace tpx::expose
