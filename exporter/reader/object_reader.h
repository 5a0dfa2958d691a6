#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/hash_index.h"
#include "loader/object.h"
#include "reader/map_batches.h"
#include "reader/source.h"

namespace tpx::reader {

/// Reads a map of a BPF object as rows in the layout that its plan chose: key bytes by the label's expressions, values
/// evaluated on each CPU and summed, rows that the filter refuses left out, buckets that are rows of their own gathered into
/// histograms. Elements of an array that are zero all over are left out, unless it has but one.
class ObjectReader : public Source {
 public:
  /// `metric` must outlive the reader.
  explicit ObjectReader(const loader::LoadedObjectMetric& metric);

  [[nodiscard]] Result<void> read(MapSnapshot& snapshot) override;

  /// None: a program in C has no series `other` and no reasons of ours; see lost_events().
  [[nodiscard]] std::array<std::uint64_t, schema::RegionLayout::kLostReasons> lost() const override { return {}; }

  [[nodiscard]] std::uint64_t lost_events() const override;

 private:
  static constexpr std::size_t kNoRow = ~std::size_t{0};

  [[nodiscard]] Result<void> read_array(MapSnapshot& snapshot);
  [[nodiscard]] Result<void> read_hash(MapSnapshot& snapshot);
  void add_element(const std::byte* key, const std::byte* values, MapSnapshot& snapshot);
  void add_row(const typed::MapEntry& row, MapSnapshot& snapshot);
  std::uint64_t* find_row(const typed::MapEntry& row, MapSnapshot& snapshot);
  [[nodiscard]] std::size_t find_or_add(MapSnapshot& snapshot);
  void index_rows(const MapSnapshot& snapshot, std::size_t expected);
  void add_value(const typed::MapEntry& row, std::uint64_t* words) const;

  const loader::LoadedObjectMetric& metric_;
  std::uint32_t copies_;           ///< values of one element
  std::uint32_t stride_;           ///< bytes from one to the next
  HashIndex rows_;                 ///< of the snapshot, by their keys
  std::size_t last_row_ = kNoRow;  ///< of the last element's last CPU
  std::size_t expected_ = 0;       ///< rows of the last snapshot
  MapBatches batches_;
};

}  // namespace tpx::reader
