#pragma once

#include <optional>

#include "base/error.h"
#include "loader/loader.h"
#include "reader/reader.h"
#include "reader/table_retirement.h"

namespace tpx::reader {

/// Ends the series of one metric whose process or thread is over, in whichever store it has. One thread at a time.
///
/// A hash has no way to keep a program off an element: its series are taken and deleted at once, in collect(). That is
/// exact as long as nobody counts there at that moment, which the ended process can't; only a new one that was given the same
/// id in between, and counts under the same labels within the same microsecond, may lose an event by it.
class Retirement {
 public:
  /// `metric` must outlive this, and have a retire_field.
  explicit Retirement(const loader::LoadedMetric& metric);

  /// May run while a Reader reads. True when something waits for collect(). Ids to try again later are added to `again`.
  [[nodiscard]] bool mark(const loader::Ids& ids, loader::Ids& again);
  /// A grace period after mark(); not while a Reader reads. Gives each ended series to `take` once.
  [[nodiscard]] Result<void> collect(const TakeSeries& take);

 private:
  [[nodiscard]] Result<void> collect_hash(const TakeSeries& take);
  [[nodiscard]] Result<bool> take_element(std::span<const std::byte> key);

  const loader::LoadedMetric& metric_;
  std::optional<TableRetirement> table_;
  loader::Ids ended_;  ///< of a hash
  Reader keys_;
  MapSnapshot snapshot_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> sum_;
};

}  // namespace tpx::reader
