#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tpx::test {

using Labels = std::map<std::string, std::string>;

struct Sample {
  std::string name;
  Labels labels;
  std::string value_text;  ///< as written
  double value = 0;
};

struct Family {
  std::string name;
  std::string help;
  std::string type;
  std::vector<Sample> samples;
};

struct Exposition {
  std::vector<Family> families;

  /// nullptr when there is none of that name.
  [[nodiscard]] const Family* find(std::string_view family) const;
  /// The value of the one sample with this name and exactly these labels.
  [[nodiscard]] std::optional<double> value(std::string_view sample, const Labels& labels = {}) const;
  /// The sum over all samples of this name that have at least these labels.
  [[nodiscard]] double sum(std::string_view sample, const Labels& labels = {}) const;
};

/// Reads a page of metrics and refuses what a strict reader would: anything but valid UTF-8, wrong names and escapes, HELP or TYPE
/// missing, twice or after a sample, a sample outside of its family, a family in two places, a series twice, values that are no
/// numbers, histograms whose buckets fall, have no +Inf or disagree with _count; in OpenMetrics also a counter without _total
/// and a page without `# EOF`. No timestamps or exemplars: we write none.
[[nodiscard]] Result<Exposition> parse_exposition(std::string_view page, bool open_metrics = false);

}  // namespace tpx::test
