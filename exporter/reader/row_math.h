#pragma once

#include <cstdint>

#include "schema/metric_schema.h"

namespace tpx::reader {

/// Adds one CPU's `count` words to the sum: word by word, but for a histogram's sum, whose two words are one 128-bit number.
/// A gauge has one row for all CPUs: it replaces what `sum` holds.
void add_words(std::uint64_t* sum, const std::uint64_t* words, std::uint32_t count, schema::MetricKind kind);

}  // namespace tpx::reader
