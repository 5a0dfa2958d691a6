#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "loader/loader.h"
#include "reader/map_batches.h"
#include "reader/source.h"

namespace tpx::reader {

/// Reads the rows of one metric's maps. Keeps its buffers from scrape to scrape. Used by one thread at a time; BPF programs
/// may write all the while: each 64-bit word is read whole, and no word ever falls.
class Reader : public Source {
 public:
  /// `metric` must outlive the reader.
  explicit Reader(const loader::LoadedMetric& metric) : metric_(metric) {}

  /// Leaves out rows of a table with births whose key was written less than `age` ago. Rounded up to whole ticks.
  void leave_out_younger_than(std::chrono::nanoseconds age);

  /// The rows now. A key that vanishes meanwhile is left out; that is not an error.
  [[nodiscard]] Result<void> read(MapSnapshot& snapshot) override;

  /// Events by plan::LostReason, summed over the CPUs.
  [[nodiscard]] std::array<std::uint64_t, schema::RegionLayout::kLostReasons> lost() const override;

 private:
  /// Adds the rows of one lane to `sums`, which lie as the snapshot's values do.
  void add_lane(std::uint64_t lane, std::span<const std::uint32_t> rows, std::uint64_t* sums);
  void sum_rows(std::span<const std::uint32_t> rows, std::uint64_t* sums);
  void sum_row(std::uint32_t row, std::uint64_t* sum);
  void find_rows(MapSnapshot& snapshot);
  void drop_unpublished(MapSnapshot& snapshot);
  void read_array(MapSnapshot& snapshot);
  void read_table(MapSnapshot& snapshot);
  [[nodiscard]] Result<void> read_hash(MapSnapshot& snapshot);

  const loader::LoadedMetric& metric_;
  std::uint32_t least_age_ = 0;           ///< in ticks
  std::vector<std::uint64_t> row_;        // kept for its memory
  std::vector<std::size_t> unpublished_;  ///< positions in the snapshot
  MapBatches batches_;
};

/// Rows of a Table store that hold a series now: ids taken from the ring and not given back. 0 for the other stores.
[[nodiscard]] std::uint64_t series_in_use(const loader::LoadedMetric& metric);

}  // namespace tpx::reader
