#include "live/top_model.h"

#include <algorithm>

#include "decode/value_math.h"

namespace tpx::live {

using schema::MetricKind;

void TopModel::begin() {
  for (auto& [key, series] : series_) {
    series.seen = false;
    std::fill(series.row.value.begin(), series.row.value.end(), 0);
  }
}

void TopModel::add(std::span<const std::string> labels, std::span<const std::uint64_t> value) {
  if (!decode::has_value(layout_.kind, value)) {
    return;
  }
  key_.clear();
  for (const std::string& label : labels) {
    key_ += label;
    key_ += '\0';
  }
  Series& series = series_[key_];
  if (series.row.value.empty()) {
    series.row.labels.assign(labels.begin(), labels.end());
    series.row.value.resize(layout_.words());
  }
  series.seen = true;
  decode::add_value(layout_.kind, series.row.value, value);
}

void TopModel::end(double seconds) {
  std::erase_if(series_, [](const auto& entry) { return !entry.second.seen; });
  for (auto& [key, series] : series_) {
    TopRow& row = series.row;
    subtract_base(series);
    const double total = total_of(row.value);
    row.rate = seconds > 0 ? (total - row.total) / seconds : 0;
    row.total = total;
    row.history.push_back(row.rate);
    if (row.history.size() > kHistory) {
      row.history.erase(row.history.begin());
    }
    if (has_quantiles()) {
      row.quantiles = {quantile(row.value, 0.5), quantile(row.value, 0.9), quantile(row.value, 0.99)};
    }
  }
}

void TopModel::reset() {
  for (auto& [key, series] : series_) {
    series.row.history.clear();
    if (layout_.kind == MetricKind::Gauge) {
      continue;
    }
    series.base.resize(series.row.value.size());
    decode::add_value(layout_.kind, series.base, series.row.value);
    std::fill(series.row.value.begin(), series.row.value.end(), 0);
    series.row.total = 0;
    series.row.quantiles = {};
  }
}

/// A series that has begun anew since reset() is below its base, which then is no longer one.
void TopModel::subtract_base(Series& series) const {
  if (series.base.empty()) {
    return;
  }
  if (!decode::covers(layout_.kind, series.row.value, series.base)) {
    series.base.clear();
    return;
  }
  decode::subtract_value(layout_.kind, series.row.value, series.base);
}

double TopModel::total_of(const std::vector<std::uint64_t>& value) const {
  switch (layout_.kind) {
    case MetricKind::Counter:
      return static_cast<double>(value[0]) * scale_;
    case MetricKind::Gauge:
      return (layout_.is_signed ? static_cast<double>(static_cast<std::int64_t>(value[0]))
                                : static_cast<double>(value[0])) *
             scale_;
    case MetricKind::Histogram:
      break;
  }
  double count = 0;
  for (std::size_t i = 0; i <= layout_.exposed_bounds.size(); ++i) {
    count += static_cast<double>(value[i]);
  }
  return count;
}

/// As Prometheus' histogram_quantile() does it: linear within a bucket, the last bound for what lies above it.
double TopModel::quantile(const std::vector<std::uint64_t>& value, double q) const {
  const std::vector<double>& bounds = layout_.exposed_bounds;
  const double rank = q * total_of(value);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(value[i]);
    if (here > 0 && below + here >= rank) {
      const double lower = i == 0 ? std::min(0.0, bounds[0]) : bounds[i - 1];
      return lower + (bounds[i] - lower) * (rank - below) / here;
    }
    below += here;
  }
  return bounds.empty() ? 0 : bounds.back();
}

std::vector<TopRow> TopModel::rows(TopSort sort, std::string_view filter, std::size_t most) const {
  std::vector<const TopRow*> found;
  for (const auto& [key, series] : series_) {
    if (filter.empty() || key.find(filter) != std::string::npos) {
      found.push_back(&series.row);
    }
  }
  const auto before = [sort](const TopRow* a, const TopRow* b) {
    if (sort == TopSort::Rate && a->rate != b->rate) {
      return a->rate > b->rate;
    }
    if (sort == TopSort::Quantile && a->quantiles != b->quantiles) {
      return a->quantiles[2] != b->quantiles[2] ? a->quantiles[2] > b->quantiles[2] : a->quantiles > b->quantiles;
    }
    if (sort != TopSort::Label && a->total != b->total) {
      return a->total > b->total;
    }
    return a->labels < b->labels;
  };
  const std::size_t shown = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), found.end(), before);
  std::vector<TopRow> rows;
  for (std::size_t i = 0; i < shown; ++i) {
    rows.push_back(*found[i]);
  }
  return rows;
}

std::size_t TopModel::count(std::string_view filter) const {
  return filter.empty()
             ? series_.size()
             : static_cast<std::size_t>(std::count_if(series_.begin(), series_.end(), [&](const auto& entry) {
                 return entry.first.find(filter) != std::string::npos;
               }));
}

std::vector<std::uint64_t> TopModel::distribution(std::string_view filter) const {
  std::vector<std::uint64_t> counts(layout_.exposed_bounds.size() + 1);
  for (const auto& [key, series] : series_) {
    if (filter.empty() || key.find(filter) != std::string::npos) {
      for (std::size_t i = 0; i < counts.size(); ++i) {
        counts[i] += series.row.value[i];
      }
    }
  }
  return counts;
}

double TopModel::total() const {
  double sum = 0;
  for (const auto& [key, series] : series_) {
    sum += series.row.total;
  }
  return sum;
}

double TopModel::rate() const {
  double sum = 0;
  for (const auto& [key, series] : series_) {
    sum += series.row.rate;
  }
  return sum;
}

}  // namespace tpx::live
