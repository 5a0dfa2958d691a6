#include "reader/object_reader.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tpx::reader {

using schema::MetricKind;

namespace {

std::uint64_t load(const std::byte* from, std::uint32_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, size);
  return value;
}

std::uint64_t hash_of(std::span<const std::byte> key) {
  return HashIndex::hash_of({reinterpret_cast<const char*>(key.data()), key.size()});
}

/// Adds to a 128-bit number in two words.
void add_wide(std::uint64_t* sum, std::int64_t value, bool is_signed) {
  const auto low = static_cast<std::uint64_t>(value);
  sum[0] += low;
  sum[1] += (sum[0] < low ? 1U : 0U) + (is_signed && value < 0 ? ~std::uint64_t{0} : 0U);
}

}  // namespace

ObjectReader::ObjectReader(const loader::LoadedObjectMetric& metric)
    : metric_(metric),
      copies_(metric.plan.rows.map.per_cpu ? metric.plan.planned.plan.store.region.cpus : 1),
      stride_(metric.plan.rows.map.per_cpu ? (metric.plan.rows.map.value_size + 7) / 8 * 8
                                           : metric.plan.rows.map.value_size) {}

Result<void> ObjectReader::read(MapSnapshot& snapshot) {
  const schema::MetricSchema& plan = metric_.plan.planned.plan;
  snapshot.clear();
  rows_.reset(expected_);
  last_row_ = kNoRow;
  snapshot.key_size = plan.key.size;
  snapshot.value_words = plan.value.words();
  snapshot.other.assign(snapshot.value_words, 0);
  auto read = metric_.plan.rows.map.array ? read_array(snapshot) : read_hash(snapshot);
  snapshot.keys.resize(snapshot.row_count * snapshot.key_size);
  expected_ = snapshot.row_count;
  return read;
}

Result<void> ObjectReader::read_array(MapSnapshot& snapshot) {
  const plan::ObjectMap& map = metric_.plan.rows.map;
  std::vector<std::byte> values(std::size_t{stride_} * copies_);
  for (std::uint32_t index = 0; index < map.max_entries; ++index) {
    if (bpf_map_lookup_elem(metric_.map.get(), &index, values.data()) != 0) {
      return fail(os_failure("can't read map " + map.name, errno));
    }
    const bool zero = std::all_of(values.begin(), values.end(), [](std::byte b) { return b == std::byte{0}; });
    if (!zero || map.max_entries == 1) {
      add_element(reinterpret_cast<const std::byte*>(&index), values.data(), snapshot);
    }
  }
  return {};
}

Result<void> ObjectReader::read_hash(MapSnapshot& snapshot) {
  const plan::ObjectMap& map = metric_.plan.rows.map;
  const std::size_t element = std::size_t{stride_} * copies_;
  return batches_.read(metric_.map.get(), "map " + map.name, map.key_size, element, map.max_entries,
                       [&](const std::byte* keys, const std::uint64_t* words, std::size_t count) {
                         const auto* values = reinterpret_cast<const std::byte*>(words);
                         for (std::size_t i = 0; i < count; ++i) {
                           add_element(keys + i * map.key_size, values + i * element, snapshot);
                         }
                       });
}

void ObjectReader::add_element(const std::byte* key, const std::byte* values, MapSnapshot& snapshot) {
  const plan::ObjectMap& map = metric_.plan.rows.map;
  for (std::uint32_t cpu = 0; cpu < copies_; ++cpu) {
    add_row({{key, map.key_size}, {values + std::size_t{cpu} * stride_, map.value_size}, cpu}, snapshot);
  }
}

void ObjectReader::add_row(const typed::MapEntry& row, MapSnapshot& snapshot) {
  const typed::TypedExprPtr& filter = metric_.plan.rows.filter;
  if (!filter || typed::integer_of(*filter, row) != 0) {
    add_value(row, find_row(row, snapshot));
  }
}

std::uint64_t* ObjectReader::find_row(const typed::MapEntry& row, MapSnapshot& snapshot) {
  const schema::KeyLayout& layout = metric_.plan.planned.plan.key;
  // The key is written where that of a new row lies.
  snapshot.keys.resize((snapshot.row_count + 1) * layout.size);
  std::byte* key = snapshot.keys.data() + snapshot.row_count * layout.size;
  for (std::size_t i = 0; i < layout.fields.size(); ++i) {
    const schema::KeyField& field = layout.fields[i];
    typed::evaluate(*metric_.plan.rows.labels[i], row, {key + field.offset, field.type.size});
  }
  // The CPUs of one element mostly share a row.
  if (last_row_ == kNoRow || !std::ranges::equal(snapshot.key(last_row_), std::span(key, layout.size))) {
    last_row_ = find_or_add(snapshot);
  }
  return snapshot.values.data() + last_row_ * snapshot.value_words;
}

/// The row of the key that stands behind those of all rows.
std::size_t ObjectReader::find_or_add(MapSnapshot& snapshot) {
  const std::size_t added = snapshot.row_count;
  const std::span<const std::byte> key = snapshot.key(added);
  const std::uint64_t hash = hash_of(key);
  const std::uint32_t known =
      rows_.find(hash, [&](std::uint32_t row) { return std::ranges::equal(snapshot.key(row), key); });
  if (known != HashIndex::kNone) {
    return known;
  }
  if (rows_.full()) {
    index_rows(snapshot, 2 * added);
  }
  rows_.insert(hash, static_cast<std::uint32_t>(added));
  snapshot.values.resize(snapshot.values.size() + snapshot.value_words, 0);
  return snapshot.row_count++;
}

void ObjectReader::index_rows(const MapSnapshot& snapshot, std::size_t expected) {
  rows_.reset(expected);
  for (std::size_t row = 0; row < snapshot.row_count; ++row) {
    rows_.insert(hash_of(snapshot.key(row)), static_cast<std::uint32_t>(row));
  }
}

void ObjectReader::add_value(const typed::MapEntry& row, std::uint64_t* words) const {
  const plan::ObjectRows& rows = metric_.plan.rows;
  const schema::ValueLayout& layout = metric_.plan.planned.plan.value;
  const std::uint64_t bounds = layout.bounds.size();
  if (rows.buckets) {
    for (std::uint32_t i = 0; i < rows.buckets->count; ++i) {
      words[i] +=
          load(row.value.data() + rows.buckets->offset + std::size_t{i} * rows.buckets->size, rows.buckets->size);
    }
    add_wide(words + bounds + 1, typed::integer_of(*rows.sum, row), layout.is_signed);
    return;
  }
  const std::int64_t value = typed::integer_of(*rows.value, row);
  if (rows.bucket) {
    const auto bucket = static_cast<std::uint64_t>(typed::integer_of(*rows.bucket, row));
    if (bucket == bounds + 1) {
      add_wide(words + bounds + 1, value, false);
    } else {
      words[std::min(bucket, bounds)] += static_cast<std::uint64_t>(value);
    }
    return;
  }
  words[0] += static_cast<std::uint64_t>(value);
  if (layout.kind == MetricKind::Gauge) {
    words[1] = 1;
  }
}

std::uint64_t ObjectReader::lost_events() const {
  if (metric_.lost_map < 0) {
    return 0;
  }
  std::vector<std::byte> variables(metric_.lost_map_size);
  const __u32 only = 0;
  if (bpf_map_lookup_elem(metric_.lost_map, &only, variables.data()) != 0) {
    return 0;
  }
  return load(variables.data() + metric_.lost_offset, 8);
}

}  // namespace tpx::reader
