#include "reader/reader.h"

#include <algorithm>
#include <ctime>
#include <limits>

#include "reader/row_math.h"

namespace tpx::reader {

using schema::RegionLayout;

namespace {

constexpr std::size_t kBlockWords = 2048;
constexpr std::uint32_t kNotBornYet = 1U << 31U;

/// As RegionLayout counts them.
std::uint32_t ticks_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  const std::uint64_t nanoseconds =
      static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
  return static_cast<std::uint32_t>(nanoseconds >> RegionLayout::kTickBits);
}

}  // namespace

Result<void> Reader::read(MapSnapshot& snapshot) {
  const schema::MetricSchema& plan = metric_.planned.plan;
  snapshot.clear();
  snapshot.key_size = plan.key.size;
  snapshot.value_words = plan.value.words();
  snapshot.other.assign(snapshot.value_words, 0);
  sum_row(plan.store.region.other_row(), snapshot.other.data());
  switch (plan.store.kind) {
    case schema::StoreKind::Array:
      read_array(snapshot);
      return {};
    case schema::StoreKind::Table:
      read_table(snapshot);
      return {};
    case schema::StoreKind::PerCpuHash:
      return read_hash(snapshot);
  }
  return {};
}

void Reader::add_lane(std::uint64_t lane, std::span<const std::uint32_t> rows, std::uint64_t* sums) {
  const schema::MetricSchema& plan = metric_.planned.plan;
  const RegionLayout& region = plan.store.region;
  const std::uint64_t first = region.values_offset() + lane * region.lane_stride();
  if (region.value_words == 1) {
    for (const std::uint32_t row : rows) {
      *sums++ += metric_.region.load(first + std::uint64_t{row} * 8);
    }
    return;
  }
  const std::uint64_t stride = region.value_stride();
  row_.resize(region.value_words);
  for (const std::uint32_t row : rows) {
    for (std::uint32_t i = 0; i < region.value_words; ++i) {
      row_[i] = metric_.region.load(first + row * stride + 8 * std::uint64_t{i});
    }
    add_words(sums, row_.data(), region.value_words, plan.value.kind);
    sums += region.value_words;
  }
}

void Reader::sum_rows(std::span<const std::uint32_t> rows, std::uint64_t* sums) {
  const RegionLayout& region = metric_.planned.plan.store.region;
  // A block of sums stays in the first-level cache while each lane is read from front to back.
  while (!rows.empty()) {
    const auto block = rows.first(std::min(rows.size(), std::max<std::size_t>(kBlockWords / region.value_words, 1)));
    for (std::uint32_t lane = 0; lane < region.lanes; ++lane) {
      add_lane(lane, block, sums);
    }
    sums += block.size() * region.value_words;
    rows = rows.subspan(block.size());
  }
}

void Reader::sum_row(std::uint32_t row, std::uint64_t* sum) {
  sum_rows({&row, 1}, sum);
}

void Reader::leave_out_younger_than(std::chrono::nanoseconds age) {
  const auto ticks = static_cast<std::uint64_t>(age.count()) >> RegionLayout::kTickBits;
  least_age_ = metric_.planned.plan.store.region.births && age.count() > 0 ? static_cast<std::uint32_t>(ticks) + 1 : 0;
}

void Reader::read_array(MapSnapshot& snapshot) {
  snapshot.values.assign(snapshot.value_words, 0);
  sum_row(0, snapshot.values.data());
  snapshot.row_count = 1;
}

void Reader::read_table(MapSnapshot& snapshot) {
  const RegionLayout& region = metric_.planned.plan.store.region;
  snapshot.table_keys = metric_.region.data() + region.keys_offset();
  snapshot.ids_last = !metric_.planned.plan.retire_field;
  find_rows(snapshot);
  snapshot.row_count = snapshot.ids.size();
  snapshot.values.assign(snapshot.row_count * region.value_words, 0);
  sum_rows(snapshot.ids, snapshot.values.data());
  drop_unpublished(snapshot);
}

/// The ids of all rows that have a key and are old enough.
void Reader::find_rows(MapSnapshot& snapshot) {
  const RegionLayout& region = metric_.planned.plan.store.region;
  const std::uint64_t used = std::min<std::uint64_t>(metric_.region.load(region.fresh_offset()), region.capacity);
  const std::uint32_t now = ticks_now();
  unpublished_.clear();
  snapshot.ids.reserve(series_in_use(metric_));
  for (std::uint32_t id = 0; id < used; ++id) {
    const auto place = metric_.region.load<std::uint32_t>(region.places_offset() + 4 * std::uint64_t{id});
    if (place == 0) {
      continue;
    }
    // The difference is right over a wrap of the ticks, too; a birth after `now` is a very large one.
    if (least_age_ > 0) {
      const std::uint32_t age =
          now - metric_.region.load<std::uint32_t>(region.births_offset() + 4 * std::uint64_t{id});
      if (age < least_age_ || age > kNotBornYet) {
        ++snapshot.young;
        continue;
      }
    }
    if ((place & RegionLayout::kUnpublished) != 0) {
      unpublished_.push_back(snapshot.ids.size());
    }
    snapshot.ids.push_back(id);
  }
}

/// Of a row that is not published, as far as its program says: it was, if something counted there; else its id may go to
/// another key.
void Reader::drop_unpublished(MapSnapshot& snapshot) {
  const std::size_t words = snapshot.value_words;
  while (!unpublished_.empty()) {
    const std::size_t row = unpublished_.back();
    unpublished_.pop_back();
    const auto value = snapshot.values.begin() + static_cast<std::ptrdiff_t>(row * words);
    const auto end = value + static_cast<std::ptrdiff_t>(words);
    if (std::all_of(value, end, [](std::uint64_t word) { return word == 0; })) {
      snapshot.values.erase(value, end);
      snapshot.ids.erase(snapshot.ids.begin() + static_cast<std::ptrdiff_t>(row));
      --snapshot.row_count;
    }
  }
}

Result<void> Reader::read_hash(MapSnapshot& snapshot) {
  const schema::MetricSchema& plan = metric_.planned.plan;
  const std::uint32_t words = snapshot.value_words;
  const std::size_t cpus = plan.store.hash_copies();
  const auto add = [&](const std::byte* keys, const std::uint64_t* values, std::size_t count) {
    snapshot.keys.insert(snapshot.keys.end(), keys, keys + count * plan.key.size);
    snapshot.values.resize(snapshot.values.size() + count * words, 0);
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
        add_words(snapshot.values.data() + (snapshot.row_count + row) * words, values + (row * cpus + cpu) * words,
                  words, plan.value.kind);
      }
    }
    snapshot.row_count += count;
  };
  return batches_.read(metric_.hash.get(), "the map of " + plan.name, plan.key.size,
                       words * cpus * sizeof(std::uint64_t), std::numeric_limits<std::size_t>::max(), add);
}

std::array<std::uint64_t, RegionLayout::kLostReasons> Reader::lost() const {
  const RegionLayout& region = metric_.planned.plan.store.region;
  std::array<std::uint64_t, RegionLayout::kLostReasons> sum{};
  for (std::uint32_t line = 0; line < region.lost_lines(); ++line) {
    for (std::uint32_t reason = 0; reason < sum.size(); ++reason) {
      sum[reason] += metric_.region.load(region.lost_offset() + std::uint64_t{line} * region.lost_stride() +
                                         8 * std::uint64_t{reason});
    }
  }
  return sum;
}

std::uint64_t series_in_use(const loader::LoadedMetric& metric) {
  const RegionLayout& region = metric.planned.plan.store.region;
  if (metric.planned.plan.store.kind != schema::StoreKind::Table) {
    return 0;
  }
  // The free ones first: all of them were fresh before, so that the difference is never below 0.
  const std::uint64_t free = metric.region.load(region.free_offset()) / RegionLayout::kOneFree & RegionLayout::kMostIds;
  return std::min<std::uint64_t>(metric.region.load(region.fresh_offset()), region.capacity) - free;
}

}  // namespace tpx::reader
