#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "decode/hash_index.h"
#include "decode/label_source.h"
#include "decode/record_arena.h"
#include "plan/metric_plan.h"
#include "reader/snapshot.h"

namespace tpx::decode {

class SeriesTable;

/// The series of one metric at one moment. Refers to the table and the snapshot that it was made from: valid until either
/// changes.
class SeriesView {
 public:
  SeriesView(const SeriesTable& table, const reader::MapSnapshot& snapshot) : table_(&table), snapshot_(&snapshot) {}

  /// Calls `bool visit(std::string_view labels, std::span<const std::uint64_t> value)` for every series until it returns
  /// false. `labels` is the text between the braces (see render_labels()), never the same twice; `value` has
  /// ValueLayout::words() words. Gauges that no event has set are left out.
  template <class Visit>
  void for_each(Visit&& visit) const;
  /// How many series for_each() visits, unset gauges included.
  [[nodiscard]] std::size_t size() const;

 private:
  const SeriesTable* table_;
  const reader::MapSnapshot* snapshot_;
};

/// Keeps the rendered labels of a metric's rows between scrapes, and makes series of rows: rows whose labels decode alike
/// are summed, the row `other` and the retired series among them. Costs some 85 bytes a series of pid and comm, 55 when
/// its snapshots' ids last. Not thread-safe.
class SeriesTable {
 public:
  /// `source` must outlive the table.
  SeriesTable(const plan::KeyLayout& key, const plan::ValueLayout& value, LabelSource& source);
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  /// The series of `snapshot`. Decodes the rows that were not in the last snapshot, drops those that are gone.
  [[nodiscard]] SeriesView update(const reader::MapSnapshot& snapshot);

  /// Adds `value` to the series with these label texts (one per label; the retired label's reads `exited`), which stays in
  /// the table for ever: what a series had counted when it ended. Shown from the next update() on.
  void add_retired(std::span<const std::string> labels, std::span<const std::uint64_t> value);
  /// When this many series hold what exited ones had counted, further ones are added to the series `other`. No limit at
  /// first.
  void limit_retired(std::size_t series) { retired_limit_ = series; }

  /// Series that exited ones were added to.
  [[nodiscard]] std::size_t retired_series() const { return retired_.size(); }
  /// Memory in use, for tests and the benchmark.
  [[nodiscard]] std::size_t bytes() const;

 private:
  friend class SeriesView;

  static constexpr std::uint32_t kNone = HashIndex::kNone;
  static constexpr std::uint32_t kDead = kNone;         ///< leader: the row is gone, the entry waits for compaction
  static constexpr std::uint32_t kLeftOut = kNone - 1;  ///< leader: the decoders leave this row out
  static constexpr std::uint32_t kMerged = 0x80000000;  ///< row: the rest is an index into merged_

  /// A decoded row. Its record in the arena is the key, if it has one, and the label text, if no other entry has the same.
  /// Entries stand in the order of their records.
  struct Entry {
    RecordArena::Handle record = 0;
    std::uint32_t row = kNone;     ///< where its value stands now (see value_of()); kNone: not in this snapshot
    std::uint32_t leader = kDead;  ///< the entry that has the text of this one: itself, mostly
    std::uint32_t text_size : 31 = 0;
    std::uint32_t keyed : 1 = 0;
  };

  void forget();
  void compact();
  void rebuild_indexes(std::size_t expected, bool with_keys);
  /// The entry of a row by its id alone, when ids last: the key is not kept.
  [[nodiscard]] std::uint32_t find_by_id(std::uint32_t hint, std::span<const std::byte> key);
  /// Appends the row's entry, with its key when it is to be found by that.
  std::uint32_t decode_row(std::span<const std::byte> key, bool keyed);
  void count(std::uint32_t number, std::uint32_t row, const reader::MapSnapshot& snapshot);
  void count_other(const reader::MapSnapshot& snapshot);
  void count_retired(const reader::MapSnapshot& snapshot);
  void bury_unseen();
  [[nodiscard]] std::uint32_t find_or_decode(std::span<const std::byte> key);
  [[nodiscard]] std::uint32_t find_text(std::string_view text, std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t find_or_add_text(std::string_view text);
  std::uint32_t append(std::span<const std::byte> key, std::string_view text, std::uint32_t leader);
  void make_room();

  [[nodiscard]] std::size_t key_size_of(const Entry& entry) const { return entry.keyed != 0 ? key_size_ : 0; }
  [[nodiscard]] std::string_view text_of(const Entry& entry) const {
    return {reinterpret_cast<const char*>(arena_.at(entry.record)) + key_size_of(entry), entry.text_size};
  }
  [[nodiscard]] std::span<const std::byte> key_of(const Entry& entry) const {
    return {arena_.at(entry.record), key_size_of(entry)};
  }
  [[nodiscard]] bool has_key(std::uint32_t number, std::span<const std::byte> key) const;
  [[nodiscard]] std::span<const std::uint64_t> value_of(std::uint32_t row, const reader::MapSnapshot& snapshot) const;

  plan::MetricKind kind_;
  std::uint32_t words_;
  std::uint32_t key_size_;
  std::vector<std::string> names_;
  std::string other_text_;
  LabelSource& source_;

  RecordArena arena_;
  std::vector<Entry> entries_;
  std::size_t dead_ = 0;
  std::size_t series_ = 0;
  HashIndex keys_;
  HashIndex texts_;
  /// Where a row was last time, by its id, or else by its place: right for nearly all rows, so that nothing is looked up.
  std::vector<std::uint32_t> hints_;
  std::vector<std::uint64_t> merged_;  ///< values of series that have several rows

  std::unordered_map<std::string, std::uint32_t> retired_;  ///< text → place in retired_values_, in words_
  std::size_t retired_limit_ = std::numeric_limits<std::size_t>::max();
  std::vector<const std::string*> retired_texts_;
  std::vector<std::uint64_t> retired_values_;

  std::vector<std::string> decoded_;  // kept for their memory
  std::string rendered_;
};

inline std::size_t SeriesView::size() const {
  return table_->series_;
}

template <class Visit>
void SeriesView::for_each(Visit&& visit) const {
  const bool gauge = table_->kind_ == plan::MetricKind::Gauge;
  const auto entries = static_cast<std::uint32_t>(table_->entries_.size());
  for (std::uint32_t number = 0; number < entries; ++number) {
    const SeriesTable::Entry& entry = table_->entries_[number];
    if (entry.leader != number || entry.row == SeriesTable::kNone) {
      continue;
    }
    const std::span<const std::uint64_t> value = table_->value_of(entry.row, *snapshot_);
    if (gauge && value[1] == 0) {
      continue;
    }
    if (!visit(table_->text_of(entry), value)) {
      return;
    }
  }
}

}  // namespace tpx::decode
