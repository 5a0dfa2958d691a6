#include "support/random_metric.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace tpx::test {

using config::MetricType;

namespace {

constexpr std::uint32_t kKeyBytes = 240;

/// A scalar of YAML; the generators make no single quotes.
std::string scalar(const std::string& text) {
  return "'" + text + "'";
}

std::string list(const std::vector<std::string>& names) {
  std::string text = "[";
  for (const std::string& name : names) {
    text += (text.size() == 1 ? "" : ", ") + scalar(name);
  }
  return text + "]";
}

void add_line(std::string& yaml, const char* key, const std::string& value) {
  yaml += std::string("    ") + key + ": " + value + "\n";
}

}  // namespace

std::string number_text(double value) {
  std::array<char, 64> text{};
  const auto written = value == std::floor(value)
                           ? std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 0)
                           : std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), written.ptr};
}

std::string RandomMetric::yaml() const {
  std::string text = "  - name: " + name + "\n";
  if (type != MetricType::Counter) {
    add_line(text, "type", type == MetricType::Gauge ? "gauge" : "histogram");
  }
  if (end) {
    const auto with = [](const std::string& key, const std::string& condition) {
      return ", key: " + scalar(key) + (condition.empty() ? "" : ", filter: " + scalar(condition)) + "}";
    };
    const std::string source = raw ? "{raw_tracepoint: " : "{tracepoint: ";
    text += "    from:\n";
    for (const std::string& start : tracepoints) {
      text += "      - " + source + scalar(start) + with(end->start_key, end->start_filter) + "\n";
    }
    add_line(text, "to", source + scalar(end->tracepoint) + with(end->key, end->filter));
  } else {
    add_line(text, raw ? "raw_tracepoint" : "tracepoint",
             tracepoints.size() == 1 ? scalar(tracepoints.front()) : list(tracepoints));
  }
  if (!filter.empty()) {
    add_line(text, "filter", scalar(filter));
  }
  if (!value.empty()) {
    add_line(text, "value", scalar(value));
  }
  if (!labels.empty()) {
    text += "    labels:\n";
    for (const Label& label : labels) {
      text += "      " + label.name + ": " +
              scalar(label.decoder.empty() ? label.expression : label.decoder + "(" + label.expression + ")") + "\n";
    }
  }
  if (scale != 1) {
    add_line(text, "scale", number_text(scale));
  }
  if (type == MetricType::Histogram) {
    std::string numbers;
    for (const double bound : bounds) {
      numbers += (numbers.empty() ? "" : ", ") + number_text(bound);
    }
    add_line(text, "buckets", "[" + numbers + "]");
  }
  add_line(text, "max_series", std::to_string(max_series));
  return text;
}

RandomSource source_of(const kernel::Format& format) {
  return {{format.full_name()}, false, leaves_of(format)};
}

std::vector<double> RandomMetrics::bounds() {
  std::set<double> chosen;
  for (std::uint64_t count = 1 + below(below(4) == 0 ? 60 : 8); count > 0; --count) {
    const double power = std::ldexp(1.0, static_cast<int>(below(65)));
    switch (below(8)) {
      case 4:
      case 5:
        // Digits that no binary number has, at the scale of values and of durations in nanoseconds.
        chosen.insert(static_cast<double>(below(200)) / 1000);
        break;
      case 6:
        chosen.insert(static_cast<double>(below(200)) / 1e9);
        break;
      case 0:
        chosen.insert(static_cast<double>(below(100)));
        break;
      case 1:
        chosen.insert(-static_cast<double>(below(100)));
        break;
      case 2:
        chosen.insert(static_cast<double>(below(1000)) / 2);
        break;
      case 3:
        chosen.insert(below(4) == 0 ? -power : power);
        break;
      default:
        chosen.insert(power - 1);
    }
  }
  return {chosen.begin(), chosen.end()};
}

void RandomMetrics::finish(RandomMetric& metric, RandomExpressions& expressions, bool needs_value) {
  static constexpr std::array<double, 8> kScales = {1, 1, 0.5, 1024, 0.125, 1000, 0.001, 1e-6};
  switch (below(4)) {
    case 0:
      metric.type = MetricType::Gauge;
      break;
    case 1:
      metric.type = MetricType::Histogram;
      metric.bounds = bounds();
      break;
    default:
      break;
  }
  if (!needs_value && metric.type == MetricType::Gauge) {
    metric.type = MetricType::Counter;
  }
  if (metric.type == MetricType::Counter) {
    metric.name += "_total";
  }
  metric.scale = kScales[below(kScales.size())];
  if (needs_value && below(metric.type == MetricType::Counter ? 2 : 8) != 0) {
    metric.value = expressions.integer(depth_).text;
  }
  if (below(2) == 0) {
    metric.filter = expressions.integer(depth_).text;
  }
  std::uint32_t room = kKeyBytes;
  for (std::uint64_t count = below(5); count > 0; --count) {
    const bool decoded = below(8) == 0;
    const RandomText made = decoded ? expressions.integer(depth_) : expressions.label(depth_, room);
    const std::uint32_t taken = (made.size + 7) / 8 * 8;
    if (taken > room) {
      break;
    }
    room -= taken;
    metric.labels.push_back({"l" + std::to_string(metric.labels.size()), made.text, decoded ? "hex" : ""});
  }
}

RandomMetric RandomMetrics::count(const std::string& name, const RandomSource& source) {
  RandomMetric metric;
  metric.name = name;
  metric.tracepoints = source.tracepoints;
  metric.raw = source.raw;
  std::vector<Leaf> leaves = source.leaves;
  for (Leaf& leaf : builtin_leaves()) {
    leaves.push_back(std::move(leaf));
  }
  RandomExpressions expressions(random_, std::move(leaves));
  finish(metric, expressions, true);
  if (source.tracepoints.size() > 1 && below(2) == 0) {
    metric.labels.push_back({"probe", "probe", ""});
  }
  return metric;
}

RandomMetric RandomMetrics::pair(const std::string& name, const RandomSource& start, const RandomSource& end) {
  RandomMetric metric;
  metric.name = name;
  metric.tracepoints = start.tracepoints;
  metric.raw = start.raw;
  std::vector<Leaf> start_leaves = start.leaves;
  std::vector<Leaf> end_leaves = end.leaves;
  for (const Leaf& leaf : builtin_leaves()) {
    start_leaves.push_back(leaf);
    end_leaves.push_back(leaf);
  }
  RandomExpressions at_start(random_, start_leaves);
  RandomExpressions at_end(random_, end_leaves);
  const std::string mask = std::to_string((1U << (1 + below(3))) - 1);
  metric.end = RandomMetric::End{end.tracepoints.front(), "(" + at_end.integer(1).text + ") & " + mask,
                                 below(3) == 0 ? at_end.integer(depth_ - 1).text : "",
                                 "(" + at_start.integer(1).text + ") & " + mask,
                                 below(3) == 0 ? at_start.integer(depth_ - 1).text : ""};
  // What both events know, some of it kept from the start.
  std::vector<Leaf> both = end_leaves;
  std::uint32_t kept = 0;
  for (Leaf leaf : start_leaves) {
    const std::uint32_t size = (leaf.size + 7) / 8 * 8;
    if (kept + size <= kKeyBytes / 2 && below(2) == 0) {
      kept += size;
      leaf.text.insert(0, "from.");
      both.push_back(std::move(leaf));
    }
  }
  RandomExpressions expressions(random_, std::move(both));
  finish(metric, expressions, false);
  return metric;
}

}  // namespace tpx::test
