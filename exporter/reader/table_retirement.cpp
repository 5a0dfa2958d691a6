#include "reader/table_retirement.h"

#include <algorithm>
#include <cstring>

#include "reader/row_math.h"

namespace tpx::reader {

using schema::RegionLayout;
using schema::SlotState;

namespace {

constexpr std::uint32_t kStateMask = 3;

schema::SlotState state_of(std::uint32_t word) {
  return static_cast<SlotState>(word & kStateMask);
}

std::uint32_t id_of(std::uint32_t word) {
  return ((word >> 2U) & RegionLayout::kMostIds) - 1;
}

}  // namespace

std::uint32_t id_in(std::span<const std::byte> key, const schema::KeyField& field) {
  const auto load = [&]<class Integer>(Integer value) {
    std::memcpy(&value, key.data() + field.offset, sizeof value);
    return static_cast<std::uint32_t>(value);
  };
  switch (field.type.size) {
    case 1:
      return load(std::uint8_t{});
    case 2:
      return load(std::uint16_t{});
    case 4:
      return load(std::uint32_t{});
    default:
      return load(std::uint64_t{});
  }
}

std::uint64_t TableRetirement::load(std::uint64_t offset) const {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(region_ + offset), __ATOMIC_ACQUIRE);
}

void TableRetirement::store(std::uint64_t offset, std::uint64_t value) const {
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(region_ + offset), value, __ATOMIC_RELEASE);
}

std::uint32_t TableRetirement::load_word(std::uint64_t offset) const {
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(region_ + offset), __ATOMIC_ACQUIRE);
}

void TableRetirement::store_word(std::uint64_t offset, std::uint32_t value) const {
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(region_ + offset), value, __ATOMIC_RELEASE);
}

std::uint64_t TableRetirement::slot_offset(std::uint32_t slot) const {
  const RegionLayout& region = plan_.store.region;
  return region.index_offset() + 4 * std::uint64_t{slot & (region.slots - 1)};
}

std::uint64_t TableRetirement::place_offset(std::uint32_t id) const {
  return plan_.store.region.places_offset() + 4 * std::uint64_t{id};
}

std::uint64_t TableRetirement::value_offset(std::uint32_t id, std::uint64_t lane) const {
  const RegionLayout& region = plan_.store.region;
  return region.values_offset() + lane * region.lane_stride() + std::uint64_t{id} * region.value_stride();
}

std::span<const std::byte> TableRetirement::key_of(std::uint32_t id) const {
  const RegionLayout& region = plan_.store.region;
  return {region_ + region.keys_offset() + std::uint64_t{id} * region.key_size, region.key_size};
}

void TableRetirement::mark(const std::unordered_set<std::uint32_t>& ids, std::unordered_set<std::uint32_t>& again) {
  const RegionLayout& region = plan_.store.region;
  const schema::KeyField& field = plan_.key.fields[*plan_.retire_field];
  const auto used = static_cast<std::uint32_t>(std::min<std::uint64_t>(load(region.fresh_offset()), region.capacity));
  for (std::uint32_t id = 0; id < used; ++id) {
    const std::uint32_t place = load_word(place_offset(id));
    if (place == 0) {
      continue;
    }
    const std::uint32_t ended = id_in(key_of(id), field);
    if (!ids.contains(ended)) {
      continue;
    }
    if ((place & RegionLayout::kUnpublished) != 0) {
      again.insert(ended);
      continue;
    }
    const std::uint64_t at = slot_offset(place - 1);
    std::uint32_t word = load_word(at);
    if (state_of(word) != SlotState::Ready || id_of(word) != id) {
      continue;  // marked before
    }
    const std::uint32_t retired = word | static_cast<std::uint32_t>(SlotState::Retired);
    if (__atomic_compare_exchange_n(reinterpret_cast<std::uint32_t*>(region_ + at), &word, retired, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      marked_.push_back({id, place - 1});
    }
  }
}

void TableRetirement::collect(const TakeSeries& take, std::size_t most) {
  for (; most > 0 && !marked_.empty(); --most) {
    const Row row = marked_.back();
    marked_.pop_back();
    take_value(row, take);
    zero_value(row);
    store_word(place_offset(row.id), 0);
    empty_slot(row.slot);
    give_back(row.id);
  }
}

void TableRetirement::take_value(const Row& row, const TakeSeries& take) {
  const RegionLayout& region = plan_.store.region;
  words_.resize(region.value_words);
  sum_.assign(region.value_words, 0);
  for (std::uint64_t lane = 0; lane < region.lanes; ++lane) {
    const std::uint64_t at = value_offset(row.id, lane);
    for (std::uint64_t word = 0; word < region.value_words; ++word) {
      words_[word] = load(at + 8 * word);
    }
    add_words(sum_.data(), words_.data(), region.value_words, plan_.value.kind);
  }
  take(key_of(row.id), sum_);
}

void TableRetirement::zero_value(const Row& row) const {
  const RegionLayout& region = plan_.store.region;
  for (std::uint64_t lane = 0; lane < region.lanes; ++lane) {
    const std::uint64_t at = value_offset(row.id, lane);
    for (std::uint64_t word = 0; word < region.value_words; ++word) {
      store(at + 8 * word, 0);
    }
  }
}

void TableRetirement::empty_slot(std::uint32_t slot) const {
  const auto tombstone = static_cast<std::uint32_t>(SlotState::Retired);
  if (plan_.value.kind != schema::MetricKind::Gauge) {
    store_word(slot_offset(slot), 0);
    return;
  }
  store_word(slot_offset(slot), tombstone);
  // Empties this slot and those before it, as far as nothing lies behind them that a program may look for.
  for (; load_word(slot_offset(slot + 1)) == 0 && load_word(slot_offset(slot)) == tombstone; --slot) {
    store_word(slot_offset(slot), 0);
  }
}

void TableRetirement::give_back(std::uint32_t id) const {
  const RegionLayout& region = plan_.store.region;
  auto* free = reinterpret_cast<std::uint64_t*>(region_ + region.free_offset());
  std::uint64_t old = load(region.free_offset());
  std::uint64_t with_id = 0;
  do {
    const std::uint64_t top = old & RegionLayout::kMostIds;
    store_word(region.links_offset() + 4 * std::uint64_t{id}, static_cast<std::uint32_t>(top));
    with_id = old - top + id + 1 + RegionLayout::kOneFree + RegionLayout::kChange;
  } while (!__atomic_compare_exchange_n(free, &old, with_id, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

}  // namespace tpx::reader
