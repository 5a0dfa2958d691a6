#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.h"
#include "loader/loader.h"
#include "reader/reader.h"
#include "reader/table_retirement.h"

namespace tpx::reader {

/// Removes the rows of one metric whose process or thread has exited, from a store of any kind. One thread at a time.
///
/// A hash can't keep programs away from an element, so collect() reads and deletes its elements in one step. That is exact
/// unless a program counts in the element at that moment. The exited process can't; only a new process with the same id
/// that counts with the same labels within the same microsecond may lose an event. Finding the keys of exited tasks
/// requires reading all keys; this is done so rarely that it takes at most a fiftieth of the time.
class Retirement {
 public:
  /// `metric` must outlive this, and have a retire_field.
  explicit Retirement(const loader::LoadedMetric& metric);

  /// Rows in use, of those that there are. 0 for a hash, which can't tell.
  [[nodiscard]] std::uint64_t rows() const { return series_in_use(metric_); }
  [[nodiscard]] std::uint64_t most_rows() const { return metric_.planned.plan.store.region.capacity; }
  [[nodiscard]] const loader::LoadedMetric& metric() const { return metric_; }
  /// Goes on where another one for the same maps stopped, which is not used any more.
  void take_over(Retirement& other);

  /// May run while a Reader reads. True when something waits for collect(). Ids to try again later are added to `again`.
  [[nodiscard]] bool mark(const loader::Ids& ids, loader::Ids& again);
  /// Call it a grace period after mark(), and not while a Reader reads. Passes each ended row to `take` once, at most
  /// `most` of them in one call. True when more remain.
  [[nodiscard]] Result<bool> collect(const TakeSeries& take, std::size_t most);

 private:
  void find_ended_keys();
  [[nodiscard]] Result<bool> collect_hash(const TakeSeries& take, std::size_t most);
  [[nodiscard]] Result<bool> take_element(std::span<const std::byte> key);

  const loader::LoadedMetric& metric_;
  std::optional<TableRetirement> table_;
  loader::Ids ended_;  ///< of a hash: ids whose keys have not been searched yet
  std::chrono::steady_clock::time_point look_after_{};
  std::vector<std::byte> due_;  ///< keys of a hash that have ended, one after the other
  Reader keys_;
  MapSnapshot snapshot_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> sum_;
};

}  // namespace tpx::reader
