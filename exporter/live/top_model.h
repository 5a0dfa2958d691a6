#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/metric_schema.h"

namespace tpx::live {

/// One series of a top list.
struct TopRow {
  std::vector<std::string> labels;
  double total = 0;  ///< counter: since the start; gauge: what it is set to; histogram: observations
  double rate = 0;   ///< change of the total a second, over the last interval
  /// Histogram: upper ends of the 50th, 90th and 99th percentile by linear interpolation in their buckets.
  std::array<double, 3> quantiles{};
  std::vector<double> history;       ///< the last rates, the newest last
  std::vector<std::uint64_t> value;  ///< the words of the total, as schema::ValueLayout has them
};

enum class TopSort : std::uint8_t { Rate, Total, Quantile, Label };

/// The series of one metric from sample to sample: totals, rates, what they were before. Pure; used by one thread.
class TopModel {
 public:
  static constexpr std::size_t kHistory = 24;

  TopModel(const schema::ValueLayout& layout, double scale) : layout_(layout), scale_(scale) {}

  /// A sample: begin(), add() for every series, end(). Equal label sets are summed. `seconds` since the sample before.
  void begin();
  void add(std::span<const std::string> labels, std::span<const std::uint64_t> value);
  void end(double seconds);

  /// From now on, counters and histograms count from 0. Histories are cleared.
  void reset();

  /// The first `most` rows in that order whose labels contain `filter` somewhere (empty: all).
  [[nodiscard]] std::vector<TopRow> rows(TopSort sort, std::string_view filter, std::size_t most) const;
  [[nodiscard]] std::size_t size() const { return series_.size(); }
  /// How many rows contain `filter`.
  [[nodiscard]] std::size_t count(std::string_view filter) const;
  [[nodiscard]] double total() const;
  [[nodiscard]] double rate() const;
  [[nodiscard]] bool has_quantiles() const { return layout_.kind == schema::MetricKind::Histogram; }
  /// Histogram: observations of all series that contain `filter`, one number a bucket; the last is +Inf.
  [[nodiscard]] std::vector<std::uint64_t> distribution(std::string_view filter) const;
  [[nodiscard]] const schema::ValueLayout& layout() const { return layout_; }
  [[nodiscard]] double scale() const { return scale_; }

 private:
  struct Series {
    TopRow row;
    std::vector<std::uint64_t> base;  ///< what its value was at reset(); empty: 0
    bool seen = false;
  };
  void subtract_base(Series& series) const;
  [[nodiscard]] double total_of(const std::vector<std::uint64_t>& value) const;
  [[nodiscard]] double quantile(const std::vector<std::uint64_t>& value, double q) const;

  schema::ValueLayout layout_;
  double scale_;
  std::unordered_map<std::string, Series> series_;  ///< by the labels' texts
  std::string key_;                                 // kept for its memory
};

}  // namespace tpx::live
