#include "reader/reader.h"

#include <chrono>

#include "catch.h"
#include "loader/loader.h"

namespace tpx::reader {
namespace {

plan::PlannedMetric table_of_pids() {
  plan::PlannedMetric planned;
  schema::MetricSchema& plan = planned.plan;
  plan.name = "events_total";
  plan.key.fields = {{"pid", 0, {schema::ValueType::Kind::Integer, 4, false}, {}, {}}};
  plan.key.size = 8;
  plan.store.kind = schema::StoreKind::Table;
  plan.store.max_series = 4;
  plan.store.region.capacity = 4;
  plan.store.region.slots = 16;
  plan.store.region.key_size = 8;
  return planned;
}

TEST_CASE("a row that is not published yet is read once something counted there", "[kernel]") {
  const schema::RegionLayout layout = table_of_pids().plan.store.region;
  const auto metric = loader::create_maps(table_of_pids());
  REQUIRE(metric.has_value());
  const loader::Region& region = metric->region;
  region.store(layout.fresh_offset(), 1);
  region.store(layout.keys_offset(), 77);
  region.store<std::uint32_t>(layout.places_offset(), 5 | schema::RegionLayout::kUnpublished);
  MapSnapshot snapshot;
  REQUIRE(Reader(*metric).read(snapshot).has_value());
  CHECK(snapshot.rows() == 0);
  region.store(layout.values_offset(), 3);  // another program found it before the first one said that it is published
  REQUIRE(Reader(*metric).read(snapshot).has_value());
  REQUIRE(snapshot.rows() == 1);
  CHECK(snapshot.value(0).front() == 3);
  CHECK(snapshot.ids == std::vector<std::uint32_t>{0});
  CHECK(snapshot.key(0).front() == std::byte{77});
}

TEST_CASE("rows are left out while they are younger than they should be, by the kernel's clock", "[kernel]") {
  plan::PlannedMetric planned = table_of_pids();
  planned.plan.retire_field = 0;
  planned.plan.store.region.births = true;
  const schema::RegionLayout layout = planned.plan.store.region;
  const auto metric = loader::create_maps(std::move(planned));
  REQUIRE(metric.has_value());
  const loader::Region& region = metric->region;
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  const auto now =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(since_boot).count()) >> schema::RegionLayout::kTickBits;
  const auto ticks_of = [](std::chrono::seconds time) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(time).count()) >> schema::RegionLayout::kTickBits;
  };
  region.store(layout.fresh_offset(), 3);
  const std::uint64_t births[] = {now, now - ticks_of(std::chrono::hours(1)),
                                  now + 2};  // the last one is just being made
  for (std::uint32_t id = 0; id < 3; ++id) {
    region.store<std::uint32_t>(layout.places_offset() + 4 * id, 1 + id);
    region.store<std::uint32_t>(layout.births_offset() + 4 * id, static_cast<std::uint32_t>(births[id]));
  }
  Reader reader(*metric);
  MapSnapshot snapshot;
  REQUIRE(reader.read(snapshot).has_value());
  CHECK(snapshot.rows() == 3);
  reader.leave_out_younger_than(std::chrono::minutes(30));
  REQUIRE(reader.read(snapshot).has_value());
  CHECK(snapshot.ids == std::vector<std::uint32_t>{1});
  CHECK(snapshot.young == 2);
  reader.leave_out_younger_than(std::chrono::seconds(0));
  REQUIRE(reader.read(snapshot).has_value());
  CHECK(snapshot.rows() == 3);
}

TEST_CASE("series in use are those taken and not given back", "[kernel]") {
  const schema::RegionLayout layout = table_of_pids().plan.store.region;
  const auto metric = loader::create_maps(table_of_pids());
  REQUIRE(metric.has_value());
  CHECK(series_in_use(*metric) == 0);
  metric->region.store(layout.fresh_offset(), 9);  // some events found no id left
  CHECK(series_in_use(*metric) == 4);
  metric->region.store(layout.free_offset(), 3 * schema::RegionLayout::kOneFree + 2);
  CHECK(series_in_use(*metric) == 1);
}

}  // namespace
}  // namespace tpx::reader
