#include "decode/value_math.h"

#include <cstdint>
#include <vector>

#include "catch.h"

namespace tpx::decode {
namespace {

using schema::MetricKind;
constexpr std::uint64_t kMax = ~std::uint64_t{0};

TEST_CASE("counters add") {
  std::vector<std::uint64_t> to = {5};
  add_value(MetricKind::Counter, to, std::vector<std::uint64_t>{7});
  CHECK(to == std::vector<std::uint64_t>{12});
}

TEST_CASE("a histogram's sum carries from its low into its high word") {
  std::vector<std::uint64_t> to = {1, 2, kMax, 3};
  add_value(MetricKind::Histogram, to, std::vector<std::uint64_t>{10, 20, 2, 4});
  CHECK(to == std::vector<std::uint64_t>{11, 22, 1, 8});
}

TEST_CASE("a negative sum and a positive one cancel out") {
  std::vector<std::uint64_t> to = {0, 1, kMax - 4, kMax};  // -5
  add_value(MetricKind::Histogram, to, std::vector<std::uint64_t>{0, 1, 8, 0});
  CHECK(to == std::vector<std::uint64_t>{0, 2, 3, 0});
}

TEST_CASE("of two gauges the one that was set wins, the later one if both were") {
  std::vector<std::uint64_t> to = {5, 1};
  add_value(MetricKind::Gauge, to, std::vector<std::uint64_t>{9, 0});
  CHECK(to == std::vector<std::uint64_t>{5, 1});
  add_value(MetricKind::Gauge, to, std::vector<std::uint64_t>{9, 1});
  CHECK(to == std::vector<std::uint64_t>{9, 1});
}

TEST_CASE("a value says something when it counted or was set") {
  CHECK_FALSE(has_value(MetricKind::Counter, std::vector<std::uint64_t>{0}));
  CHECK(has_value(MetricKind::Counter, std::vector<std::uint64_t>{1}));
  CHECK_FALSE(has_value(MetricKind::Gauge, std::vector<std::uint64_t>{7, 0}));
  CHECK(has_value(MetricKind::Gauge, std::vector<std::uint64_t>{0, 1}));
  CHECK(has_value(MetricKind::Histogram, std::vector<std::uint64_t>{0, 1, 0, 0}));
}

TEST_CASE("what was added can be taken away, a histogram's sum with its borrow") {
  std::vector<std::uint64_t> from = {11, 22, 1, 8};
  subtract_value(MetricKind::Histogram, from, std::vector<std::uint64_t>{10, 20, 2, 4});
  CHECK(from == std::vector<std::uint64_t>{1, 2, kMax, 3});
  std::vector<std::uint64_t> counter = {12};
  subtract_value(MetricKind::Counter, counter, std::vector<std::uint64_t>{7});
  CHECK(counter == std::vector<std::uint64_t>{5});
}

TEST_CASE("a value covers another when no count is below; sums may fall") {
  const std::vector<std::uint64_t> whole = {5, 5, 0, 0};
  CHECK(covers(MetricKind::Histogram, whole, std::vector<std::uint64_t>{5, 4, 9, 9}));
  CHECK_FALSE(covers(MetricKind::Histogram, whole, std::vector<std::uint64_t>{5, 6, 0, 0}));
  CHECK(covers(MetricKind::Counter, std::vector<std::uint64_t>{5}, std::vector<std::uint64_t>{5}));
  CHECK_FALSE(covers(MetricKind::Counter, std::vector<std::uint64_t>{5}, std::vector<std::uint64_t>{6}));
}

}  // namespace
}  // namespace tpx::decode
