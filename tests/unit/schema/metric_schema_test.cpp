#include "schema/metric_schema.h"

#include "catch.h"

namespace tpx::schema {
namespace {

RegionLayout table_layout() {
  RegionLayout layout;
  layout.capacity = 100;
  layout.slots = 512;
  layout.key_size = 24;
  layout.value_words = 3;
  layout.lanes = 2;
  layout.cpus = 2;
  return layout;
}

TEST_CASE("a value has the words of its kind") {
  ValueLayout value;
  CHECK(value.words() == 1);
  value.kind = MetricKind::Gauge;
  CHECK(value.words() == 2);
  value.kind = MetricKind::Histogram;
  value.bounds = {1, 2, 4};
  CHECK(value.words() == 6);
  CHECK(value.bytes() == 48);
}

TEST_CASE("a table whose series end has a birth for each") {
  RegionLayout layout = table_layout();
  const std::uint32_t keys = layout.keys_offset();
  layout.births = true;
  CHECK(layout.births_offset() == layout.places_offset() + 448);
  CHECK(layout.keys_offset() == keys + 448);
}

TEST_CASE("the areas of a region stand one after the other, each on a cache line of its own") {
  const RegionLayout layout = table_layout();
  CHECK(layout.index_offset() == 128 + 2 * 64);
  CHECK(layout.links_offset() == layout.index_offset() + 512 * 4);
  CHECK(layout.places_offset() == layout.links_offset() + 448);  // 100 * 4 = 400
  CHECK(layout.keys_offset() == layout.places_offset() + 448);   // 100 * 4 = 400
  CHECK(layout.values_offset() == layout.keys_offset() + 2432);  // 100 * 24 = 2400
  CHECK(layout.lane_stride() == 2432);                           // 101 * 24 = 2424
  CHECK(layout.total_bytes() == layout.values_offset() + 2 * 2432);
  CHECK(layout.other_row() == 100);
}

TEST_CASE("every area is 64-byte aligned and none overlaps the next") {
  for (const std::uint32_t capacity : {0U, 1U, 3U, 1000U}) {
    for (const std::uint32_t key_size : {0U, 8U, 24U, 136U}) {
      for (const std::uint32_t words : {1U, 2U, 17U}) {
        RegionLayout layout = table_layout();
        layout.capacity = capacity;
        layout.slots = capacity > 1 ? 4096 : 0;
        layout.key_size = key_size;
        layout.value_words = words;
        for (const std::uint64_t offset : {std::uint64_t{layout.index_offset()}, std::uint64_t{layout.links_offset()},
                                           std::uint64_t{layout.places_offset()}, std::uint64_t{layout.keys_offset()},
                                           std::uint64_t{layout.values_offset()}, layout.lane_stride()}) {
          CHECK(offset % 64 == 0);
        }
        CHECK(layout.index_offset() >= layout.lost_offset() + layout.lost_stride() * layout.cpus);
        CHECK(layout.links_offset() >= layout.index_offset() + layout.slots * 4);
        CHECK(layout.places_offset() >= layout.links_offset() + capacity * 4);
        CHECK(layout.keys_offset() >= layout.places_offset() + capacity * 4);
        CHECK(layout.values_offset() >= layout.keys_offset() + capacity * key_size);
        CHECK(layout.lane_stride() >= (capacity + 1) * layout.value_stride());
      }
    }
  }
}

TEST_CASE("the size of a region beyond 4 GiB does not wrap") {
  RegionLayout layout = table_layout();
  layout.capacity = 100'000'000;
  CHECK(layout.total_bytes() > 100'000'000ULL * (4 + 4 + 24 + 2 * 24));
}

TEST_CASE("a per-CPU hash adds what the kernel takes for it") {
  StorePlan store;
  store.kind = StoreKind::PerCpuHash;
  store.max_series = 1000;
  store.region.capacity = 0;
  store.region.cpus = 4;
  store.region.lanes = 4;
  const std::uint64_t region = store.region.total_bytes();
  CHECK(store.map_bytes(20, 8) == region + 1000 * (48 + 24 + 8 + 4 * 8) + 1024 * 16);
  store.kind = StoreKind::Table;
  CHECK(store.map_bytes(20, 8) == region);
}

}  // namespace
}  // namespace tpx::schema
