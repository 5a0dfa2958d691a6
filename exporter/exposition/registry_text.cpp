#include "exposition/registry_text.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/text.h"
#include "decode/label_text.h"
#include "exposition/number_text.h"

namespace tpx::exposition {
namespace {

FamilyType family_type(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return FamilyType::Counter;
    case prometheus::MetricType::Gauge:
      return FamilyType::Gauge;
    case prometheus::MetricType::Histogram:
      return FamilyType::Histogram;
    case prometheus::MetricType::Summary:
      return FamilyType::Summary;
    default:  // later releases of the library know more types than Debian 12's, which we don't use
      return FamilyType::Untyped;
  }
}

std::string label_text(const prometheus::ClientMetric& metric) {
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const prometheus::ClientMetric::Label& label : metric.label) {
    names.push_back(label.name);
    values.push_back(to_utf8(label.value));
  }
  std::string text;
  decode::render_labels(text, names, values);
  return text;
}

std::string quantile_label(double quantile) {
  char number[kMaxNumber];
  const char* end = write_canonical_double(number, quantile);
  return "quantile=\"" + std::string(number, static_cast<std::size_t>(end - number)) + '"';
}

void write_histogram(TextWriter& writer, const std::string& labels,
                     const prometheus::ClientMetric::Histogram& histogram) {
  bool has_infinity = false;
  for (const prometheus::ClientMetric::Bucket& bucket : histogram.bucket) {
    has_infinity = has_infinity || std::isinf(bucket.upper_bound);
    writer.sample("_bucket", labels, le_label(writer.format(), bucket.upper_bound),
                  static_cast<double>(bucket.cumulative_count));
  }
  const auto count = static_cast<double>(histogram.sample_count);
  if (!has_infinity) {
    writer.sample("_bucket", labels, le_label(writer.format(), std::numeric_limits<double>::infinity()), count);
  }
  writer.sample("_sum", labels, {}, histogram.sample_sum);
  writer.sample("_count", labels, {}, count);
}

void write_metric(TextWriter& writer, FamilyType type, const prometheus::ClientMetric& metric) {
  const std::string labels = label_text(metric);
  switch (type) {
    case FamilyType::Counter:
      writer.sample({}, labels, {}, metric.counter.value);
      return;
    case FamilyType::Gauge:
      writer.sample({}, labels, {}, metric.gauge.value);
      return;
    case FamilyType::Histogram:
      write_histogram(writer, labels, metric.histogram);
      return;
    case FamilyType::Summary:
      for (const prometheus::ClientMetric::Quantile& quantile : metric.summary.quantile) {
        writer.sample({}, labels, quantile_label(quantile.quantile), quantile.value);
      }
      writer.sample("_sum", labels, {}, metric.summary.sample_sum);
      writer.sample("_count", labels, {}, static_cast<double>(metric.summary.sample_count));
      return;
    case FamilyType::Untyped:
      writer.sample({}, labels, {}, metric.untyped.value);
      return;
  }
}

}  // namespace

void write_families(TextWriter& writer, const std::vector<prometheus::MetricFamily>& families) {
  for (const prometheus::MetricFamily& family : families) {
    if (family.metric.empty()) {
      continue;
    }
    const FamilyType type = family_type(family.type);
    writer.begin_family(family.name, family.help, type);
    for (const prometheus::ClientMetric& metric : family.metric) {
      write_metric(writer, type, metric);
    }
  }
}

}  // namespace tpx::exposition
