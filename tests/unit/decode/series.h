#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "decode/series_table.h"
#include "support/fake_series.h"

namespace tpx::decode {

using schema::MetricKind;
using test::FakeLabels;
using test::make_plan;
using test::make_snapshot;

using Words = std::vector<std::uint64_t>;
using Shown = std::map<std::string, Words>;

/// The series of a view, by their labels.
inline Shown shown(const SeriesView& view) {
  Shown result;
  view.for_each([&](std::string_view labels, std::span<const std::uint64_t> value) {
    if (!result.emplace(labels, Words(value.begin(), value.end())).second) {
      FAIL("twice the labels " << labels);
    }
    return true;
  });
  return result;
}

/// A counter by pid whose keys decode to their own number, as far as `known`.
struct Counter {
  explicit Counter(std::uint64_t known) {
    for (std::uint64_t key = 0; key < known; ++key) {
      labels.texts[key] = {std::to_string(key)};
    }
  }
  schema::MetricSchema plan = make_plan(MetricKind::Counter, {"pid"});
  FakeLabels labels;
  SeriesTable table{plan.key, plan.value, labels};
};

/// What the scrape of this number shows; all before it were received.
inline Showing scrape(std::uint32_t sequence, std::uint32_t by_value = Showing::kAll) {
  Showing showing;
  showing.sequence = sequence;
  showing.by_value = by_value;
  showing.seen_by_all = showing.values_seen_by_all = sequence - 1;
  showing.seen_by_any = showing.values_seen_by_any = sequence - 1;
  showing.now = Showing{}.now + std::chrono::seconds(sequence);
  return showing;
}

template <class Number>
std::span<const std::byte> key_of(const Number& number) {
  return std::as_bytes(std::span(&number, 1));
}

}  // namespace tpx::decode
