#include "schema/metric_schema.h"

#include <bit>

namespace tpx::schema {
namespace {

constexpr std::uint64_t kLine = 64;

// Areas start on cache lines of their own, so that writers of one do not slow down the users of the next.
constexpr std::uint64_t to_line(std::uint64_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}
constexpr std::uint64_t to_word(std::uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

// The offsets in 64 bits, so that total_bytes() is right (and the planner can refuse) where they outgrow 32.
struct Offsets {
  std::uint64_t index = 0;
  std::uint64_t links = 0;
  std::uint64_t places = 0;
  std::uint64_t births = 0;
  std::uint64_t keys = 0;
  std::uint64_t values = 0;
};

Offsets offsets_of(const RegionLayout& layout) {
  Offsets at;
  at.index = to_line(std::uint64_t{layout.lost_offset()} + std::uint64_t{layout.lost_stride()} * layout.lost_lines());
  at.links = at.index + to_line(std::uint64_t{layout.slots} * 4);
  at.places = at.links + to_line(std::uint64_t{layout.capacity} * 4);
  at.births = at.places + to_line(std::uint64_t{layout.capacity} * 4);
  at.keys = at.births + (layout.births ? to_line(std::uint64_t{layout.capacity} * 4) : 0);
  at.values = at.keys + to_line(std::uint64_t{layout.capacity} * layout.key_size);
  return at;
}

}  // namespace

std::uint32_t ValueLayout::words() const {
  switch (kind) {
    case MetricKind::Counter:
      return 1;
    case MetricKind::Gauge:
      return 2;
    case MetricKind::Histogram:
      return static_cast<std::uint32_t>(bounds.size()) + 3;  // the +Inf bucket and the sum's two words
  }
  return 1;
}

std::uint32_t RegionLayout::index_offset() const {
  return static_cast<std::uint32_t>(offsets_of(*this).index);
}
std::uint32_t RegionLayout::links_offset() const {
  return static_cast<std::uint32_t>(offsets_of(*this).links);
}
std::uint32_t RegionLayout::places_offset() const {
  return static_cast<std::uint32_t>(offsets_of(*this).places);
}
std::uint32_t RegionLayout::births_offset() const {
  return static_cast<std::uint32_t>(offsets_of(*this).births);
}
std::uint32_t RegionLayout::keys_offset() const {
  return static_cast<std::uint32_t>(offsets_of(*this).keys);
}
std::uint32_t RegionLayout::values_offset() const {
  return static_cast<std::uint32_t>(offsets_of(*this).values);
}

std::uint64_t RegionLayout::lane_stride() const {
  return to_line((std::uint64_t{capacity} + 1) * value_stride());
}

std::uint64_t RegionLayout::total_bytes() const {
  return offsets_of(*this).values + lane_stride() * lanes;
}

std::uint64_t StorePlan::map_bytes(std::uint32_t key_size, std::uint32_t value_bytes) const {
  std::uint64_t bytes = region.total_bytes();
  if (kind == StoreKind::PerCpuHash) {
    // What the kernel's htab_map_mem_usage() counts for a preallocated per-CPU hash: struct htab_elem is 48 bytes before
    // the key, a pointer to the values stands after it, and a bucket is 16 bytes.
    constexpr std::uint64_t kElement = 48;
    constexpr std::uint64_t kBucket = 16;
    const std::uint64_t entry = kElement + to_word(key_size) + 8 + to_word(value_bytes) * hash_copies();
    bytes += entry * max_series + kBucket * std::bit_ceil(std::uint64_t{max_series});
  }
  return bytes;
}

std::string store_name(StoreKind kind) {
  switch (kind) {
    case StoreKind::Array:
      return "array";
    case StoreKind::Table:
      return "table";
    case StoreKind::PerCpuHash:
      return "per-CPU hash";
  }
  return "";
}

}  // namespace tpx::schema
