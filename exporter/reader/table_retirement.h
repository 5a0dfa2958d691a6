#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <unordered_set>
#include <vector>

#include "schema/metric_schema.h"

namespace tpx::reader {

/// What a series had counted when it ended: the bytes of its key, the words of its value summed over the CPUs.
using TakeSeries = std::function<void(std::span<const std::byte> key, std::span<const std::uint64_t> value)>;

/// The id in a key's field, an integer of 1 to 8 bytes; cut to 32 bits, as ids are.
[[nodiscard]] std::uint32_t id_in(std::span<const std::byte> key, const schema::KeyField& field);

/// Ends series of a Table store while BPF programs look up and insert, by three steps:
///
///   1. mark(): the index word of each ended series goes from Ready to Retired by compare-and-swap. Programs that look its
///      key up from now on pass it over and begin a new series (an id may be in use again).
///   2. The caller waits for a grace period: programs that found the row before step 1 are done with it then.
///   3. collect(): the row's final values go out, it is zeroed, its place and index word are emptied, its id goes back.
///
/// A program that meets an emptied index word on its way to a series further on begins a second row for that key: equal keys
/// are summed where they are shown. Gauges can't be summed, so their index words stay Retired until nothing is behind them.
/// mark() may run while a Reader reads; collect() may not. One thread at a time.
/// See docs/design/series-expiry.md.
class TableRetirement {
 public:
  /// `region` is the mapped value of RegionLayout, and outlives this, as does `plan`.
  TableRetirement(const schema::MetricSchema& plan, std::byte* region) : plan_(plan), region_(region) {}

  /// Step 1, for all series whose retired label holds one of `ids`. The ids of rows that a program is publishing right now
  /// are added to `again`.
  void mark(const std::unordered_set<std::uint32_t>& ids, std::unordered_set<std::uint32_t>& again);
  /// Step 3, for all series marked, or for so many of them.
  void collect(const TakeSeries& take, std::size_t most = std::numeric_limits<std::size_t>::max());
  /// Goes on with the series that another one for the same table has marked.
  void take_over(TableRetirement& other) { marked_ = std::move(other.marked_); }
  [[nodiscard]] std::size_t marked() const { return marked_.size(); }

 private:
  struct Row {
    std::uint32_t id;
    std::uint32_t slot;
  };
  [[nodiscard]] std::uint64_t load(std::uint64_t offset) const;
  void store(std::uint64_t offset, std::uint64_t value) const;
  /// Of the index, the links and the places.
  [[nodiscard]] std::uint32_t load_word(std::uint64_t offset) const;
  void store_word(std::uint64_t offset, std::uint32_t value) const;
  [[nodiscard]] std::span<const std::byte> key_of(std::uint32_t id) const;
  [[nodiscard]] std::uint64_t slot_offset(std::uint32_t slot) const;
  [[nodiscard]] std::uint64_t place_offset(std::uint32_t id) const;
  [[nodiscard]] std::uint64_t value_offset(std::uint32_t id, std::uint64_t lane) const;
  void take_value(const Row& row, const TakeSeries& take);
  void zero_value(const Row& row) const;
  void empty_slot(std::uint32_t slot) const;
  void give_back(std::uint32_t id) const;

  const schema::MetricSchema& plan_;
  std::byte* region_;
  std::vector<Row> marked_;
  std::vector<std::uint64_t> words_;  // kept for their memory
  std::vector<std::uint64_t> sum_;
};

}  // namespace tpx::reader
