// Any bytes as a configuration file: no crash, and what comes out is as well-formed as config.h promises.

#include <cmath>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "config/config.h"
#include "expression/ast.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

template <class M>
void check_metric(const M& metric) {
  require(!metric.name.value.empty());
  require(std::isfinite(metric.scale) && metric.scale > 0);
  require(metric.max_series <= 1'000'000);
  require(metric.buckets.has_value() == (metric.type == tpx::config::MetricType::Histogram));
  if (metric.buckets) {
    const auto bounds = metric.buckets->bounds();
    require(!bounds.empty() && bounds.size() <= 128);
    for (std::size_t i = 1; i < bounds.size(); ++i) {
      require(bounds[i - 1] < bounds[i]);
    }
  }
  if (metric.filter) {
    require(metric.filter->node != nullptr);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto loaded = tpx::config::parse("fuzz.yaml", text);
  require(loaded.config.files.size() == 1);
  for (const auto& metric : loaded.config.files[0].metrics) {
    check_metric(metric);
  }
  for (const auto& object : loaded.config.files[0].objects) {
    for (const auto& metric : object.metrics) {
      check_metric(metric);
    }
  }
  const std::string report = tpx::config::render(loaded.errors, loaded.config);
  require(report.empty() == loaded.errors.empty());
  require(tpx::to_utf8(report) == report);
  return 0;
}
