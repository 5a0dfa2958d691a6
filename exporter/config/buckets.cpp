#include "config/buckets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

namespace tpx::config {
namespace {

using yaml::Node;

constexpr std::uint32_t kMaxBuckets = 128;

/// Without the digits that rounding brought in: 1e-6 * 100 is 9.999999999999999e-05, which was meant as 0.0001. Whole
/// numbers are as they were meant, or too large for such digits to matter.
double as_meant(double bound) {
  if (!std::isfinite(bound) || bound == std::floor(bound)) {
    return bound;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), bound, std::chars_format::general,
                                 std::numeric_limits<double>::digits10);
  double meant = bound;
  std::from_chars(digits.begin(), end.ptr, meant);
  return meant;
}

std::vector<double> bounds_of(const ExponentialBuckets& buckets) {
  std::vector<double> bounds;
  for (std::uint32_t i = 0; i < buckets.count; ++i) {
    bounds.push_back(as_meant(buckets.start * std::pow(buckets.factor, i)));
  }
  return bounds;
}

std::vector<double> bounds_of(const LinearBuckets& buckets) {
  std::vector<double> bounds;
  for (std::uint32_t i = 0; i < buckets.count; ++i) {
    bounds.push_back(as_meant(buckets.start + static_cast<double>(i) * buckets.width));
  }
  return bounds;
}

std::vector<double> bounds_of(const ListedBuckets& buckets) {
  return buckets.bounds;
}

bool usable(const std::vector<double>& bounds) {
  return std::all_of(bounds.begin(), bounds.end(), [](double bound) { return std::isfinite(bound); }) &&
         std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
}

struct Series {
  double start = 0;
  double step = 0;
  std::uint32_t count = 0;
};

// `{start, factor, count}` or `{start, width, count}`.
std::optional<Series> read_series(Reader& reader, const Node& node, const std::string& what, const std::string& step) {
  const std::size_t before = reader.errors();
  const auto fields = reader.fields(node, what, {"start", step, "count"});
  if (!fields) {
    return std::nullopt;
  }
  for (const std::string& key : {std::string("start"), step, std::string("count")}) {
    if (!fields->has(key)) {
      reader.error(node, what + " has no " + key, "write {start: …, " + step + ": …, count: …}");
    }
  }
  Series series;
  if (const Node* start = fields->find("start")) {
    series.start = reader.number(*start, "start").value_or(0);
  }
  if (const Node* value = fields->find(step)) {
    series.step = reader.number(*value, step).value_or(0);
  }
  if (const Node* count = fields->find("count")) {
    series.count = reader.integer(*count, "count", 1, kMaxBuckets).value_or(0);
  }
  if (reader.errors() != before) {
    return std::nullopt;
  }
  return series;
}

std::optional<Buckets> read_exponential(Reader& reader, const Node& node) {
  const auto series = read_series(reader, node, "exponential", "factor");
  if (!series) {
    return std::nullopt;
  }
  if (series->start <= 0) {
    reader.error(node, "the start of exponential buckets must be above 0");
    return std::nullopt;
  }
  if (series->step <= 1) {
    reader.error(node, "the factor of exponential buckets must be above 1");
    return std::nullopt;
  }
  return Buckets{ExponentialBuckets{series->start, series->step, series->count}, reader.at(node)};
}

std::optional<Buckets> read_linear(Reader& reader, const Node& node) {
  const auto series = read_series(reader, node, "linear", "width");
  if (!series) {
    return std::nullopt;
  }
  if (series->step <= 0) {
    reader.error(node, "the width of linear buckets must be above 0");
    return std::nullopt;
  }
  return Buckets{LinearBuckets{series->start, series->step, series->count}, reader.at(node)};
}

std::optional<Buckets> read_listed(Reader& reader, const Node& node) {
  if (node.items.empty() || node.items.size() > kMaxBuckets) {
    reader.error(node, "buckets must be 1 to " + std::to_string(kMaxBuckets) + " upper bounds, these are " +
                           std::to_string(node.items.size()));
    return std::nullopt;
  }
  ListedBuckets listed;
  bool good = true;
  for (const yaml::NodePtr& item : node.items) {
    if (item->text == "+Inf" || item->text == ".inf" || item->text == "inf") {
      reader.error(*item, "the bucket +Inf is there by itself", "leave it out");
      good = false;
      continue;
    }
    const auto bound = reader.number(*item, "a bound");
    if (!bound) {
      good = false;
      continue;
    }
    if (!listed.bounds.empty() && *bound <= listed.bounds.back()) {
      reader.error(*item, "bounds must increase, and " + in_quotes(item->text) + " is not above the one before it");
      good = false;
    }
    listed.bounds.push_back(*bound);
  }
  return good ? std::optional(Buckets{std::move(listed), reader.at(node)}) : std::nullopt;
}

std::optional<Buckets> read_shape(Reader& reader, const Node& node) {
  if (node.kind == Node::Kind::Sequence) {
    return read_listed(reader, node);
  }
  if (node.kind == Node::Kind::Scalar) {
    reader.error(node, "buckets must be a map or a list",
                 "write {exponential: {start: 1e-6, factor: 4, count: 12}}, or [1, 2, 5, 10]");
    return std::nullopt;
  }
  const std::size_t before = reader.errors();
  const auto fields = reader.fields(node, "buckets", {"exponential", "linear"});
  if (!fields || reader.errors() != before) {
    return std::nullopt;
  }
  const Node* exponential = fields->find("exponential");
  const Node* linear = fields->find("linear");
  if ((exponential == nullptr) == (linear == nullptr)) {
    reader.error(node, "buckets must be either exponential or linear, or a list of bounds");
    return std::nullopt;
  }
  return exponential != nullptr ? read_exponential(reader, *exponential) : read_linear(reader, *linear);
}

}  // namespace

std::vector<double> Buckets::bounds() const {
  return std::visit([](const auto& buckets) { return bounds_of(buckets); }, shape);
}

std::optional<Buckets> read_buckets(Reader& reader, const Node& node) {
  auto buckets = read_shape(reader, node);
  if (buckets && !usable(buckets->bounds())) {
    reader.error(node, "these buckets do not increase within the range of a double");
    return std::nullopt;
  }
  return buckets;
}

}  // namespace tpx::config
