#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/format.h"
#include "support/random_expression.h"

namespace tpx::test {

/// A metric of the configuration language, as its parts.
struct RandomMetric {
  struct Label {
    std::string name;
    std::string expression;
    std::string decoder;  ///< around it, or empty
  };
  struct End {
    std::string tracepoint;
    std::string key;
    std::string filter;
    std::string start_key;
    std::string start_filter;
  };

  std::string name;
  config::MetricType type = config::MetricType::Counter;
  std::vector<std::string> tracepoints;  ///< of a pair: those that start it
  bool raw = false;                      ///< raw_tracepoint
  std::optional<End> end;                ///< of a pair
  std::string filter;                    ///< empty: none
  std::string value;
  std::vector<Label> labels;
  double scale = 1;
  std::vector<double> bounds;
  std::uint32_t max_series = 16;

  /// As an item of the list `metrics:`.
  [[nodiscard]] std::string yaml() const;
};

/// A number as the configuration writes it: the fewest digits that give it, whole numbers with all of theirs.
[[nodiscard]] std::string number_text(double value);

/// What a metric may be made of.
struct RandomSource {
  std::vector<std::string> tracepoints;
  bool raw = false;
  std::vector<Leaf> leaves;  ///< known at all the tracepoints
};

/// `tracepoint:` of one format.
[[nodiscard]] RandomSource source_of(const kernel::Format& format);

/// Random valid metrics: any kind, filter, value, labels and buckets, of random expressions (see RandomExpressions).
class RandomMetrics {
 public:
  /// `depth` bounds the expressions.
  RandomMetrics(std::mt19937_64& random, int depth) : random_(random), depth_(depth) {}

  [[nodiscard]] RandomMetric count(const std::string& name, const RandomSource& source);
  /// The duration from `start` to `end`, both raw or none; keys are expressions of a few values, so that pairs meet.
  [[nodiscard]] RandomMetric pair(const std::string& name, const RandomSource& start, const RandomSource& end);

 private:
  void finish(RandomMetric& metric, RandomExpressions& expressions, bool needs_value);
  [[nodiscard]] std::vector<double> bounds();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::mt19937_64& random_;
  int depth_;
};

}  // namespace tpx::test
