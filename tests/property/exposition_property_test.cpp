#include <rapidcheck.h>

#include <set>

#include "base/text.h"
#include "catch.h"
#include "decode/series_table.h"
#include "exposition/text_writer.h"
#include "support/collecting_sink.h"
#include "support/exposition_parser.h"
#include "support/fake_series.h"

namespace tpx {
namespace {

using Rows = std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>>;

/// Texts made of what must be escaped, what looks like syntax, and any bytes, repaired as the decoders do.
rc::Gen<std::string> label_value() {
  const auto nasty =
      rc::gen::element<std::string>("\\", "\"", "\n", ",", "{", "}", "=", " ", "\xc3\xa9", "other", "\xff");
  const auto piece = rc::gen::oneOf(nasty, rc::gen::arbitrary<std::string>());
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string text;
    for (const std::string& each : pieces) {
      text += each;
    }
    return to_utf8(text);
  });
}

test::Exposition round_trip(const schema::MetricSchema& plan, test::FakeLabels& labels, const Rows& rows,
                            bool open_metrics) {
  const auto snapshot = test::make_snapshot(plan, rows);
  decode::SeriesTable table(plan.key, plan.value, labels);
  test::CollectingSink sink;
  exposition::TextWriter writer(
      sink, open_metrics ? exposition::TextFormat::OpenMetrics : exposition::TextFormat::Prometheus);
  writer.metric(plan, table.update(snapshot));
  RC_ASSERT(writer.finish());
  auto page = test::parse_exposition(sink.text, open_metrics);
  if (!page) {
    RC_FAIL(page.error().message + "\n" + sink.text);
  }
  return *std::move(page);
}

/// The sum of `values` by decoded labels.
std::map<test::Labels, std::uint64_t> expected_sums(const test::FakeLabels& labels, const Rows& rows) {
  std::map<test::Labels, std::uint64_t> sums;
  for (const auto& [key, value] : rows) {
    const std::vector<std::string>& texts = labels.texts.at(key);
    sums[{{"a", texts[0]}, {"b", texts[1]}}] += value[0];
  }
  return sums;
}

TEST_CASE("whatever labels and counts are written are read back, exactly and once") {
  CHECK(rc::check("counters", [](bool open_metrics) {
    const auto plan = test::make_plan(schema::MetricKind::Counter, {"a", "b"});
    test::FakeLabels labels;
    Rows rows;
    const auto texts = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
        rc::gen::pair(label_value(), label_value()));
    for (const auto& [a, b] : texts) {
      const std::uint64_t key = *rc::gen::inRange<std::uint64_t>(0, 50);
      labels.texts[key] = {a, b};
      rows.push_back({key, {*rc::gen::arbitrary<std::uint64_t>()}});
    }
    const test::Exposition page = round_trip(plan, labels, rows, open_metrics);
    const auto expected = expected_sums(labels, rows);
    std::size_t samples = 0;
    for (const test::Family& family : page.families) {
      for (const test::Sample& sample : family.samples) {
        RC_ASSERT(sample.value_text == std::to_string(expected.at(sample.labels)));
        ++samples;
      }
    }
    RC_ASSERT(samples == expected.size());
  }));
}

TEST_CASE("whatever help is written is read back") {
  CHECK(rc::check("help", [](bool open_metrics) {
    auto plan = test::make_plan(schema::MetricKind::Counter, {});
    plan.help = *label_value();
    test::FakeLabels labels;
    labels.texts[0] = {};
    const test::Exposition page = round_trip(plan, labels, {{0, {1}}}, open_metrics);
    RC_ASSERT(page.families.at(0).help == plan.help);
  }));
}

TEST_CASE("histograms of any counts read back as valid and complete") {
  CHECK(rc::check("histograms", [](bool open_metrics) {
    auto plan = test::make_plan(schema::MetricKind::Histogram, {"device"});
    const auto bounds = *rc::gen::container<std::set<std::int32_t>>(rc::gen::arbitrary<std::int32_t>());
    for (const std::int32_t bound : bounds) {
      plan.value.bounds.push_back(bound);
      plan.value.exposed_bounds.push_back(bound * 1e-3);
    }
    std::vector<std::uint64_t> value(plan.value.words());
    std::uint64_t total = 0;
    for (std::size_t i = 0; i + 2 < value.size(); ++i) {
      value[i] = *rc::gen::inRange<std::uint64_t>(0, 1U << 30U);
      total += value[i];
    }
    test::FakeLabels labels;
    labels.texts[1] = {*label_value()};
    const test::Exposition page = round_trip(plan, labels, {{1, value}}, open_metrics);
    const test::Sample& last = page.families.at(0).samples.at(bounds.size());
    RC_ASSERT(last.labels.at("le") == "+Inf");
    RC_ASSERT(last.value_text == std::to_string(total));
  }));
}

/// What a table shows after random scrapes is what a fresh one shows of the last.
TEST_CASE("a table that has seen many snapshots shows the same as a new one") {
  CHECK(rc::check("history", [] {
    const auto plan = test::make_plan(schema::MetricKind::Counter, {"a", "b"});
    test::FakeLabels labels;
    for (std::uint64_t key = 0; key < 40; ++key) {
      labels.texts[key] = {std::to_string(key % 13), std::to_string(key % 3)};
    }
    decode::SeriesTable table(plan.key, plan.value, labels);
    const auto key = rc::gen::inRange<std::uint64_t>(0, 60);  // some are left out
    const auto scrapes = *rc::gen::container<std::vector<std::vector<std::uint64_t>>>(
        rc::gen::container<std::vector<std::uint64_t>>(key));
    const bool ids = *rc::gen::arbitrary<bool>();
    for (const std::vector<std::uint64_t>& keys : scrapes) {
      Rows rows;
      for (const std::uint64_t each : keys) {
        rows.push_back({each, {each + 1}});
      }
      auto snapshot = test::make_snapshot(plan, rows);
      for (std::uint32_t row = 0; ids && row < keys.size(); ++row) {
        snapshot.ids.push_back(*rc::gen::inRange<std::uint32_t>(0, 100));
      }
      std::map<std::string, std::uint64_t> shown;
      table.update(snapshot).for_each([&](std::string_view text, std::span<const std::uint64_t> value) {
        RC_ASSERT(shown.emplace(text, value[0]).second);
        return true;
      });
      std::map<std::string, std::uint64_t> expected;
      for (const std::uint64_t each : keys) {
        if (const auto found = labels.texts.find(each); found != labels.texts.end()) {
          expected["a=\"" + found->second[0] + "\",b=\"" + found->second[1] + "\""] += each + 1;
        }
      }
      RC_ASSERT(shown == expected);
    }
  }));
}

}  // namespace
}  // namespace tpx
