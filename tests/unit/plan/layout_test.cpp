#include "plan/layout.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "test_paths.h"

namespace tpx::plan {
namespace {

using Kind = schema::ValueType::Kind;

constexpr schema::ValueType u(std::uint32_t size) {
  return {Kind::Integer, size, false};
}
constexpr schema::ValueType s(std::uint32_t size) {
  return {Kind::Integer, size, true};
}

schema::ValueLayout bounds_of(std::vector<double> exposed, double scale, bool is_signed) {
  schema::ValueLayout value;
  value.kind = schema::MetricKind::Histogram;
  value.is_signed = is_signed;
  set_bounds(value, std::move(exposed), scale);
  return value;
}

TEST_CASE("the common type of integers holds all their values") {
  CHECK(common_type({u(4)}).value() == u(4));
  CHECK(common_type({u(2), u(4)}).value() == u(4));
  CHECK(common_type({s(4), s(8)}).value() == s(8));
  // A regression: an unsigned value of the same size became negative.
  CHECK(common_type({s(4), u(4)}).value() == s(8));
  CHECK(common_type({u(4), s(4)}).value() == s(8));
  CHECK(common_type({u(2), s(4)}).value() == s(4));
  CHECK(common_type({u(1), s(1), u(2)}).value() == s(4));
  // Nothing is wider than 64 bits.
  CHECK(common_type({u(8), s(4)}).value() == s(8));
}

TEST_CASE("strings take the longest; kinds don't mix") {
  CHECK(common_type({{Kind::String, 16, false}, {Kind::String, 72, false}}).value() ==
        schema::ValueType{Kind::String, 72, false});
  CHECK_FALSE(common_type({{Kind::String, 16, false}, u(4)}).has_value());
}

TEST_CASE("fields of a key are aligned to their size, the key to 8") {
  std::vector<schema::KeyField> fields(4);
  fields[0].type = u(1);
  fields[1].type = u(4);
  fields[2].type = {Kind::String, 10, false};
  fields[3].type = u(2);
  const auto layout = lay_out(fields);
  REQUIRE(layout.has_value());
  CHECK(layout->fields[0].offset == 0);
  CHECK(layout->fields[1].offset == 4);
  CHECK(layout->fields[2].offset == 8);
  CHECK(layout->fields[3].offset == 18);
  CHECK(layout->size == 24);
  CHECK(lay_out({})->size == 0);
}

TEST_CASE("a key that is too large names its longest label") {
  std::vector<schema::KeyField> fields(2);
  fields[0] = {"small", 0, {Kind::String, 72, false}, {}, {}};
  fields[1] = {"large", 0, {Kind::String, 256, false}, {}, {}};
  const auto layout = lay_out(fields);
  REQUIRE_FALSE(layout.has_value());
  CHECK(layout.error().hint.find("\"large\" (256 bytes)") != std::string::npos);
}

TEST_CASE("a bound is the largest kernel value that is exposed at or below it") {
  CHECK(bounds_of({-1.5, 0, 2.5, 7}, 1, true).bounds == std::vector<std::int64_t>{-2, 0, 2, 7});
  // Whole numbers are exact, however large: 2^53 - 1 is not 2^43 times 1024.
  CHECK(bounds_of({-9007199254740991.0, -1024, -1, 1023, 9007199254740991.0}, 1024, true).bounds ==
        std::vector<std::int64_t>{-(std::int64_t{1} << 43U), -1, -1, 0, (std::int64_t{1} << 43U) - 1});
  // Rounding of the division makes no difference: 1e-6 / 1e-9 is 1000.0000000000001.
  CHECK(bounds_of({1e-9, 1e-6, 4e-6, 1.6e-5, 1, 1000}, 1e-9, false).bounds ==
        std::vector<std::int64_t>{1, 1000, 4000, 16000, 1'000'000'000, 1'000'000'000'000});
  // But a half is a half, also of a large number.
  CHECK(bounds_of({1'000'000'000.5}, 1, true).bounds == std::vector<std::int64_t>{1'000'000'000});
  CHECK(bounds_of({70'000'000'000.25}, 0.5, true).bounds == std::vector<std::int64_t>{140'000'000'000});
}

TEST_CASE("bounds beyond the numbers of the kernel") {
  const auto greatest = std::numeric_limits<std::int64_t>::max();
  const auto least = std::numeric_limits<std::int64_t>::min();
  CHECK(bounds_of({-1e300, -0x1p63, 0x1p62, 0x1p63, 1e300}, 1, true).bounds ==
        std::vector<std::int64_t>{least, least, std::int64_t{1} << 62, greatest, greatest});
  CHECK(bounds_of({-1e300, -0x1p63, 0}, 1, true).unreachable == 1);
  // Unsigned values go twice as far; bounds below 0 hold none of them.
  const schema::ValueLayout value = bounds_of({-3, -0.5, 0, 0x1p63, 0x1p64}, 1, false);
  CHECK(value.unreachable == 2);
  CHECK(value.bounds[2] == 0);
  CHECK(value.bounds[3] == least);
  CHECK(static_cast<std::uint64_t>(value.bounds[4]) == std::numeric_limits<std::uint64_t>::max());
  CHECK(value.exposed_bounds.size() == 5);
}

kernel::Kernel kernel_with(bool atomics) {
  auto kernel =
      kernel::Kernel{kernel::Tracefs::open(TPX_BINARY_DIR "/fixtures/6.1").value(), std::nullopt, {}, 4, true};
  kernel.features.fetch_atomics = atomics;
  return kernel;
}

TEST_CASE("a store is chosen by labels, the kernel and what it takes") {
  schema::KeyLayout key;
  schema::ValueLayout value;
  CHECK(choose_store(key, value, 100, kernel_with(true), {}).kind == schema::StoreKind::Array);
  key.size = 16;
  const schema::StorePlan table = choose_store(key, value, 100, kernel_with(true), {});
  CHECK(table.kind == schema::StoreKind::Table);
  CHECK(table.region.slots == 512);
  CHECK(table.region.capacity == 100);
  CHECK(choose_store(key, value, 100, kernel_with(false), {}).kind == schema::StoreKind::PerCpuHash);
  Options small;
  small.largest_table = 1U << 20U;
  CHECK(choose_store(key, value, 100'000, kernel_with(true), small).kind == schema::StoreKind::PerCpuHash);
  CHECK(choose_store(key, value, 100'000, kernel_with(true), {}).kind == schema::StoreKind::Table);
  Options forced;
  forced.force_store = schema::StoreKind::PerCpuHash;
  CHECK(choose_store(key, value, 100, kernel_with(true), forced).kind == schema::StoreKind::PerCpuHash);
  value.kind = schema::MetricKind::Gauge;
  CHECK(choose_store(key, value, 100, kernel_with(true), {}).region.lanes == 1);
}

}  // namespace
}  // namespace tpx::plan
