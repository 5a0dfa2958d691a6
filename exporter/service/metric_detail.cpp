#include "service/metric_detail.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "decode/label_text.h"
#include "service/metric_service.h"

namespace tpx::service {

using schema::MetricKind;

namespace {

/// A histogram's sum: a 128-bit two's complement number.
double wide(std::uint64_t low, std::uint64_t high) {
  constexpr double kTwoTo64 = 18446744073709551616.0;
  return static_cast<double>(static_cast<std::int64_t>(high)) * kTwoTo64 + static_cast<double>(low);
}

bool is_unset(const schema::MetricSchema& plan, std::span<const std::uint64_t> value) {
  return plan.value.kind == MetricKind::Gauge && value[1] == 0;
}

/// The rows with the largest values, at most kMostRows, largest first.
std::vector<std::uint32_t> largest_rows(const schema::MetricSchema& plan, const reader::MapSnapshot& snapshot) {
  std::vector<std::uint32_t> rows(snapshot.rows());
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<double> values(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    values[row] = sample_of(plan, snapshot.value(row)).value;
  }
  const auto larger = [&](std::uint32_t a, std::uint32_t b) { return values[a] > values[b]; };
  if (rows.size() > MetricDetail::kMostRows) {
    std::nth_element(rows.begin(), rows.begin() + MetricDetail::kMostRows, rows.end(), larger);
    rows.resize(MetricDetail::kMostRows);
  }
  std::sort(rows.begin(), rows.end(), larger);
  return rows;
}

/// The series by their labels, in the order in which they came.
class Merged {
 public:
  explicit Merged(MetricDetail& detail, bool adds) : detail_(detail), adds_(adds) {}

  void add(SeriesSample sample) {
    const auto [place, is_new] = places_.emplace(sample.labels, detail_.series.size());
    if (is_new) {
      detail_.series.push_back(std::move(sample));
    } else if (adds_) {
      detail_.series[place->second].value += sample.value;
      detail_.series[place->second].sum += sample.sum;
    }
  }

 private:
  MetricDetail& detail_;
  bool adds_;
  std::unordered_map<std::string, std::size_t> places_;
};

void add_buckets(const schema::MetricSchema& plan, std::span<const std::uint64_t> value, MetricDetail& detail) {
  for (std::size_t bucket = 0; bucket < detail.buckets.size(); ++bucket) {
    detail.buckets[bucket] += static_cast<double>(value[bucket]);
  }
  detail.sum += sample_of(plan, value).sum;
}

}  // namespace

SeriesSample sample_of(const schema::MetricSchema& metric, std::span<const std::uint64_t> value) {
  SeriesSample sample;
  switch (metric.value.kind) {
    case MetricKind::Counter:
      sample.value = static_cast<double>(value[0]) * metric.scale;
      break;
    case MetricKind::Gauge:
      sample.value = metric.scale * (metric.value.is_signed ? static_cast<double>(static_cast<std::int64_t>(value[0]))
                                                            : static_cast<double>(value[0]));
      break;
    case MetricKind::Histogram:
      for (const std::uint64_t bucket : value.first(value.size() - 2)) {
        sample.value += static_cast<double>(bucket);
      }
      sample.sum = wide(value[value.size() - 2], value[value.size() - 1]) * metric.scale;
      break;
  }
  return sample;
}

void MetricService::add_series(const Served& served, MetricDetail& detail) {
  const schema::MetricSchema& plan = served.planned->plan;
  const auto rows = all_rows(served);
  if (!rows) {
    return;
  }
  const reader::MapSnapshot& snapshot = *rows;
  detail.known = true;
  detail.rows = snapshot.rows();
  if (plan.value.kind == MetricKind::Histogram) {
    detail.bounds = plan.value.exposed_bounds;
    detail.buckets.resize(detail.bounds.size() + 1);
    for (std::size_t row = 0; row < snapshot.rows(); ++row) {
      add_buckets(plan, snapshot.value(row), detail);
    }
    for (const std::span<const std::uint64_t> more :
         {std::span<const std::uint64_t>(snapshot.other), served.series->ended()}) {
      if (more.size() == plan.value.words()) {
        add_buckets(plan, more, detail);
      }
    }
  }
  served.labels->refresh();
  Merged merged(detail, plan.value.kind != MetricKind::Gauge);
  std::vector<std::string> texts;
  const auto add = [&](std::span<const std::uint64_t> value) {
    SeriesSample sample = sample_of(plan, value);
    decode::render_labels(sample.labels, detail.label_names, texts);
    merged.add(std::move(sample));
  };
  for (const std::uint32_t row : largest_rows(plan, snapshot)) {
    if (!is_unset(plan, snapshot.value(row)) && served.labels->decode(snapshot.key(row), texts)) {
      add(snapshot.value(row));
    }
  }
  const bool has_other =
      std::any_of(snapshot.other.begin(), snapshot.other.end(), [](std::uint64_t word) { return word != 0; });
  if (has_other && !detail.label_names.empty()) {
    texts.assign(detail.label_names.size(), "other");
    add(snapshot.other);
  }
  std::stable_sort(detail.series.begin(), detail.series.end(),
                   [](const SeriesSample& a, const SeriesSample& b) { return a.value > b.value; });
}

std::optional<MetricDetail> MetricService::detail(const std::string& name) {
  const std::lock_guard lock(mutex_);
  MetricDetail detail;
  for (Served& served : served_) {
    const schema::MetricSchema& plan = served.planned->plan;
    if (plan.name != name) {
      continue;
    }
    detail.status = status_of(served, Detail::Totals);
    detail.at = plan.at;
    for (const schema::KeyField& field : plan.key.fields) {
      detail.label_names.push_back(field.label);
    }
    add_series(served, detail);
    return detail;
  }
  for (const plan::Rejected& rejected : rejected_) {
    if (rejected.name == name) {
      detail.status = status_of(rejected);
      detail.at = rejected.at;
      return detail;
    }
  }
  return std::nullopt;
}

}  // namespace tpx::service
