#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plan/program_plan.h"
#include "support/random_event.h"
#include "support/random_metric.h"

namespace tpx::test {

/// What a metric is to hold after some events: the words of its value (plan::ValueLayout) by the texts of its labels.
struct Expectation {
  std::map<std::vector<std::string>, std::vector<std::uint64_t>> rows;
  std::uint64_t negative = 0;       ///< plan::LostReason::NegativeValue
  std::uint64_t without_start = 0;  ///< PairNoStart
  std::uint64_t restarted = 0;      ///< PairRestart
};

/// By Reference, in the order of the events. Buckets are those of the numbers as the configuration writes them, compared
/// exactly: a value v is in the bucket `le` when v * scale <= le, a duration in seconds.
[[nodiscard]] Expectation expect(const RandomMetric& metric, const std::vector<std::unique_ptr<Event>>& events);

/// The labels of a key as Expectation writes them: integers in decimal, strings to their NUL, arrays in hexadecimal.
/// Throws std::runtime_error when a byte that belongs to no label is not 0.
[[nodiscard]] std::vector<std::string> labels_of(const Bytes& key, const schema::KeyLayout& layout);

}  // namespace tpx::test
