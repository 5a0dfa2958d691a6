#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/error.h"
#include "loader/loader.h"
#include "reader/reader.h"
#include "reader/table_retirement.h"

namespace tpx::reader {

/// Takes out the rows of one metric whose process or thread is over, in whichever store it has. One thread at a time.
///
/// A hash has no way to keep a program off an element: its series are taken and deleted at once, in collect(). That is
/// exact as long as nobody counts there at that moment, which the ended process can't; only a new one that was given the same
/// id in between, and counts under the same labels within the same microsecond, may lose an event by it. Its keys have to be
/// read to find those that have ended: that is done so seldom that it takes no more than a fiftieth of the time.
class Retirement {
 public:
  /// `metric` must outlive this, and have a retire_field.
  explicit Retirement(const loader::LoadedMetric& metric);

  /// May run while a Reader reads. True when something waits for collect(). Ids to try again later are added to `again`.
  [[nodiscard]] bool mark(const loader::Ids& ids, loader::Ids& again);
  /// A grace period after mark(); not while a Reader reads. Gives each ended series to `take` once, at most so many in one
  /// call. True when there are more.
  [[nodiscard]] Result<bool> collect(const TakeSeries& take, std::size_t most);

 private:
  void find_ended_keys();
  [[nodiscard]] Result<bool> collect_hash(const TakeSeries& take, std::size_t most);
  [[nodiscard]] Result<bool> take_element(std::span<const std::byte> key);

  const loader::LoadedMetric& metric_;
  std::optional<TableRetirement> table_;
  loader::Ids ended_;  ///< of a hash: its keys are still to be looked through for these
  std::chrono::steady_clock::time_point look_after_{};
  std::vector<std::byte> due_;  ///< keys of a hash that have ended, one after the other
  Reader keys_;
  MapSnapshot snapshot_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> sum_;
};

}  // namespace tpx::reader
