#include "expose/write_families.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/text.h"

namespace tpx::expose {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string number(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  std::array<char, 64> text{};
  // Whole numbers in full, as people read them; to_chars would turn 1000000 into 1e+06.
  const bool whole = std::floor(value) == value && std::fabs(value) < 1e15;
  const auto end = whole ? std::to_chars(text.data(), text.data() + text.size(), static_cast<std::int64_t>(value)).ptr
                         : std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string escape(const std::string& text, bool quotes) {
  std::string out;
  for (const char c : to_utf8(text)) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string_view type_name(MetricType type, bool openmetrics) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    default:  // Untyped, and what later versions of the library add
      break;
  }
  return openmetrics ? "unknown" : "untyped";
}

class Writer {
 public:
  Writer(bool openmetrics, std::string& out) : openmetrics_(openmetrics), out_(out) {}

  void family(const MetricFamily& family) {
    constexpr std::string_view kTotal = "_total";
    std::string name = family.name;
    const bool has_total = name.size() > kTotal.size() && name.ends_with(kTotal);
    const bool strip = openmetrics_ && family.type == MetricType::Counter && has_total;
    if (strip) {
      name.resize(name.size() - kTotal.size());
    }
    out_ += "# HELP " + name + " " + escape(family.help, openmetrics_) + "\n";
    out_ += "# TYPE " + name + " " + std::string(type_name(family.type, openmetrics_)) + "\n";
    for (const ClientMetric& metric : family.metric) {
      one(family, metric);
    }
  }

 private:
  void one(const MetricFamily& family, const ClientMetric& metric) {
    switch (family.type) {
      case MetricType::Counter:
        sample(family.name, metric, {}, metric.counter.value);
        break;
      case MetricType::Summary:
        for (const ClientMetric::Quantile& quantile : metric.summary.quantile) {
          sample(family.name, metric, {{"quantile", bound(quantile.quantile)}}, quantile.value);
        }
        sample(family.name + "_sum", metric, {}, metric.summary.sample_sum);
        sample(family.name + "_count", metric, {}, static_cast<double>(metric.summary.sample_count));
        break;
      case MetricType::Histogram:
        histogram(family, metric);
        break;
      case MetricType::Untyped:
        sample(family.name, metric, {}, metric.untyped.value);
        break;
      default:
        sample(family.name, metric, {}, metric.gauge.value);
        break;
    }
  }

  void histogram(const MetricFamily& family, const ClientMetric& metric) {
    std::vector<ClientMetric::Bucket> buckets = metric.histogram.bucket;
    std::sort(buckets.begin(), buckets.end(),
              [](const auto& a, const auto& b) { return a.upper_bound < b.upper_bound; });
    for (const ClientMetric::Bucket& bucket : buckets) {
      sample(family.name + "_bucket", metric, {{"le", bound(bucket.upper_bound)}},
             static_cast<double>(bucket.cumulative_count));
    }
    if (buckets.empty() || !std::isinf(buckets.back().upper_bound)) {
      sample(family.name + "_bucket", metric, {{"le", "+Inf"}}, static_cast<double>(metric.histogram.sample_count));
    }
    sample(family.name + "_sum", metric, {}, metric.histogram.sample_sum);
    sample(family.name + "_count", metric, {}, static_cast<double>(metric.histogram.sample_count));
  }

  [[nodiscard]] std::string bound(double value) const {
    std::string text = number(value);
    if (openmetrics_ && text.find_first_not_of("-0123456789") == std::string::npos) {
      text += ".0";
    }
    return text;
  }

  void sample(const std::string& name, const ClientMetric& metric, const std::vector<ClientMetric::Label>& more,
              double value) {
    out_ += name;
    char before = '{';
    for (const auto* labels : {&metric.label, &more}) {
      for (const ClientMetric::Label& label : *labels) {
        out_.push_back(before);
        out_ += label.name + "=\"" + escape(label.value, true) + "\"";
        before = ',';
      }
    }
    if (before == ',') {
      out_.push_back('}');
    }
    out_ += " " + number(value) + "\n";
  }

  const bool openmetrics_;
  std::string& out_;
};

}  // namespace

void write_families(const std::vector<MetricFamily>& families, bool openmetrics, std::string& out) {
  Writer writer(openmetrics, out);
  for (const MetricFamily& family : families) {
    writer.family(family);
  }
}

}  // namespace tpx::expose
