#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash_index.h"
#include "decode/label_source.h"
#include "decode/record_arena.h"
#include "decode/showing.h"
#include "reader/snapshot.h"
#include "schema/metric_schema.h"

namespace tpx::decode {

class SeriesTable;

/// The series of one metric as one scrape shows them. Refers to the table and the snapshot that it was made from: valid
/// until either changes.
class SeriesView {
 public:
  /// Counters and histograms first exposed after scrape `by_value` are 0.
  SeriesView(const SeriesTable& table, const reader::MapSnapshot& snapshot, std::uint32_t by_value)
      : table_(&table), snapshot_(&snapshot), by_value_(by_value) {}

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
  std::uint32_t by_value_;
};

/// Keeps the rendered labels of a metric's rows between scrapes, and makes series of rows: rows whose labels decode alike
/// are summed, the row `other` among them.
///
/// A series of a counter or histogram never decreases while it is exposed. When a row ends, its count is added to the carry
/// of its label text; the value of a series is its carry plus its current rows. When the last row of a label text has
/// ended, the series lingers until every known scraper has received its last value, and at least for the time of
/// linger_for(). Then it expires, and its count is not added to any other series. If it must be removed earlier, the part
/// that no scraper has received is added to the permanent series of ended rows: the one with the same labels, except that
/// the retired label is `exited`, or the series `other` if no label is retired. The count of a row that was never exposed
/// is added there too.
///
/// Costs some 85 bytes a series of pid and comm, 60 when its snapshots' ids last. Not thread-safe.
/// See docs/design/series-expiry.md.
class SeriesTable {
 public:
  /// What update() makes of rows that are not in the snapshot any more.
  enum class Vanished : std::uint8_t {
    Forgotten,  ///< nothing: the caller reports them to end_row(), or they can't vanish
    Ended       ///< rows that ended with their last value; costs a copy of the value of each row
  };

  /// `source` must outlive the table. A source that is not stable is asked for all labels again in each new generation of it, and costs what
  /// Vanished::Ended does.
  SeriesTable(const schema::KeyLayout& key, const schema::ValueLayout& value, LabelSource& source,
              Vanished vanished = Vanished::Forgotten);
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  /// The series of `snapshot`, all of which count as exposed by this scrape. Decodes the rows that were not in the last
  /// snapshot.
  [[nodiscard]] SeriesView update(const reader::MapSnapshot& snapshot, const Showing& showing = {});

  /// Call it when the snapshot of the last update() has been overwritten without an update: its values are unknown then.
  void forget_snapshot();

  /// A row has ended with this value and will not be in the next snapshot; `snapshot` is the one of the last update(), as
  /// it was then. False when no row of its key was ever exposed: then the caller must add the value with add_retired(). A
  /// gauge's value is dropped.
  [[nodiscard]] bool end_row(std::span<const std::byte> key, std::span<const std::uint64_t> value,
                             const reader::MapSnapshot& snapshot);
  /// Adds `value` to the series with these label texts (one per label; the retired label's reads `exited`), which stays in
  /// the table for ever. Shown from the next update() on.
  void add_retired(std::span<const std::string> labels, std::span<const std::uint64_t> value);

  /// The label that reads `exited` in the series of ended rows.
  void retire_label(std::size_t label) { retired_label_ = label; }
  /// Limits the number of series of ended rows (further ones are added to the series `other`) and of lingering series. The
  /// default is no limit.
  void limit_retired(std::size_t series) { limit_ = series; }
  void linger_for(std::chrono::nanoseconds time) { linger_ = time; }
  /// Exposes a new row only from this age on, counted from the first update() that found it. For snapshots that have no
  /// births of rows and hold all of them.
  void hold_back(std::chrono::nanoseconds age) { min_age_ = age; }
  /// Never exposes a row that is not exposed yet if `is_over` is true for its key: its process has exited, and end_row()
  /// will follow.
  void leave_out(std::function<bool(std::span<const std::byte> key)> is_over) { is_over_ = std::move(is_over); }

  /// Keeps for another table of the same rows which scrape showed each of them first: at the row's id, or at 0 if there are
  /// no labels; that of the series `other` is the last. 0: none did. The first update() begins with what stands there.
  void remember_in(std::span<std::uint32_t> shown) { shown_ = shown; }
  /// All rows of the first update() were shown before, by the first scrape.
  void all_shown_before() { shown_before_ = true; }

  /// The number of permanent series, which hold the counts of ended rows that no scraper received.
  [[nodiscard]] std::size_t retired_series() const { return permanent_; }
  /// The sum of the counts of all ended rows, whichever series they were added to.
  [[nodiscard]] std::span<const std::uint64_t> ended() const { return ended_; }
  /// The part of ended() that was exposed, but added to a permanent series because its own was removed before a scraper had
  /// received it.
  [[nodiscard]] std::span<const std::uint64_t> unshown() const { return unshown_; }
  /// Memory in use, for tests and the benchmark.
  [[nodiscard]] std::size_t bytes() const;

 private:
  friend class SeriesView;

  static constexpr std::uint32_t kNone = HashIndex::kNone;
  static constexpr std::uint32_t kDead = kNone;         ///< leader: the row is gone, the entry waits for compaction
  static constexpr std::uint32_t kLeftOut = kNone - 1;  ///< leader: the decoders leave this row out
  static constexpr std::uint32_t kMerged = 0x80000000;  ///< row: the rest is an index into merged_

  /// A decoded row. Its record in the arena is the label text, if no other entry has the same, and the key, if it has one.
  /// Entries stand in the order of their records.
  struct Entry {
    RecordArena::Handle record = 0;
    std::uint32_t row = kNone;     ///< where its value stands now (see value_of()); kNone: not in this snapshot
    std::uint32_t leader = kDead;  ///< the entry that has the text of this one: itself, mostly
    std::uint32_t text_size : 31 = 0;
    std::uint32_t keyed : 1 = 0;
    std::uint32_t born = 0;  ///< of a leader: the scrape that exposed it first; 0: none did yet
  };

  /// The counts of the ended rows of a label text. Its words stand in carry_values_, those of `shown` in carry_shown_.
  struct Carry {
    std::uint32_t entry = 0;
    bool permanent = false;   ///< of ended rows that no scraper received; never expires
    bool lingers = false;     ///< the text has no row left
    bool has_shown = false;   ///< carry_shown_ holds the value that the series had before its last one
    std::uint32_t final = 0;  ///< the first scrape with this value and no row left; 0: none yet
    std::chrono::steady_clock::time_point since{};  ///< when it began to linger
  };

  void count_rows(const reader::MapSnapshot& snapshot, const Showing& showing);
  /// The entry of a row, or kNone while it is too young.
  [[nodiscard]] std::uint32_t entry_of(std::size_t place, std::span<const std::byte> key, bool by_id,
                                       const Showing& showing);
  [[nodiscard]] bool too_young(std::uint64_t hash, const Showing& showing);

  // Where each row is followed from snapshot to snapshot, because it may vanish or change its labels.
  void count_tracked(const reader::MapSnapshot& snapshot, const Showing& showing);
  [[nodiscard]] bool labels_may_differ();
  [[nodiscard]] std::uint32_t follow_labels(std::uint32_t number);
  void end_tracked(std::uint32_t number);
  void show_tracked(std::uint32_t number, std::uint32_t row, const reader::MapSnapshot& snapshot);
  void leave(std::uint32_t number);
  void make_room_for_last() { last_.resize(kind_ == schema::MetricKind::Gauge ? 0 : entries_.size() * words_, 0); }
  [[nodiscard]] std::span<std::uint64_t> words_of(std::vector<std::uint64_t>& all, std::uint32_t number) {
    return std::span(all).subspan(std::size_t{number} * words_, words_);
  }

  // Ended rows: series_ends.cpp.
  /// The index in carries_ of a leader's carry, or kNone.
  [[nodiscard]] std::uint32_t find_carry(std::uint32_t leader) const;
  std::uint32_t carry_of(std::uint32_t leader, bool permanent);
  void carry_row(std::uint32_t leader, std::span<const std::uint64_t> value, const reader::MapSnapshot& snapshot);
  void carry_vanished(std::uint32_t leader, std::span<const std::uint64_t> value);
  void take_from_tracked(std::uint32_t number, std::span<std::uint64_t> value);
  void add_ended(std::string_view text, std::span<const std::uint64_t> value);
  void settle_carries(const Showing& showing);
  void limit_lingering(const Showing& showing);
  [[nodiscard]] bool seen_by_all(const Carry& carry, const Showing& showing) const;
  void drop_carry(std::uint32_t index, const Showing& showing);
  void count_carries(const reader::MapSnapshot& snapshot);

  void compact();
  void rebuild_indexes(std::size_t expected, bool with_keys);
  /// The entry of a row by its id alone, when ids last: the key is not kept.
  [[nodiscard]] std::uint32_t find_by_id(std::uint32_t hint, std::span<const std::byte> key);
  /// Appends the row's entry, with its key when it is to be found by that.
  std::uint32_t decode_row(std::span<const std::byte> key, bool keyed);
  void count(std::uint32_t number, std::uint32_t row, const reader::MapSnapshot& snapshot);
  [[nodiscard]] std::uint32_t merge(std::uint32_t row, std::uint32_t other, const reader::MapSnapshot& snapshot);
  void count_other(const reader::MapSnapshot& snapshot);
  /// Whether this scrape exposes a series first.
  bool bury_unseen(const Showing& showing);
  void recall_shown(const reader::MapSnapshot& snapshot);
  void note_shown(const reader::MapSnapshot& snapshot);
  template <class Visit>
  void for_each_shown(const reader::MapSnapshot& snapshot, Visit&& visit);
  [[nodiscard]] std::uint32_t find_or_decode(std::span<const std::byte> key, const Showing& showing);
  /// The text of the key in rendered_. False when the decoders leave it out.
  [[nodiscard]] bool render(std::span<const std::byte> key);
  [[nodiscard]] std::uint32_t find_text(std::string_view text, std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t find_or_add_text(std::string_view text);
  std::uint32_t append(std::span<const std::byte> key, std::string_view text, std::uint32_t leader);
  void make_room();

  [[nodiscard]] std::size_t key_size_of(const Entry& entry) const { return entry.keyed != 0 ? key_size_ : 0; }
  [[nodiscard]] std::string_view text_of(const Entry& entry) const {
    return {reinterpret_cast<const char*>(arena_.at(entry.record)), entry.text_size};
  }
  [[nodiscard]] std::span<const std::byte> key_of(const Entry& entry) const {
    return {arena_.at(entry.record) + entry.text_size, key_size_of(entry)};
  }
  [[nodiscard]] bool has_key(std::uint32_t number, std::span<const std::byte> key) const;
  [[nodiscard]] std::span<const std::uint64_t> value_of(std::uint32_t row, const reader::MapSnapshot& snapshot) const;

  schema::MetricKind kind_;
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

  std::vector<Carry> carries_;
  std::unordered_map<std::uint32_t, std::uint32_t> carry_of_leader_;  ///< entry → index in carries_
  std::vector<std::uint64_t> carry_values_;                           ///< words_ for each carry
  std::vector<std::uint64_t> carry_shown_;                            ///< likewise
  std::size_t permanent_ = 0;
  std::vector<std::uint64_t> ended_;
  std::vector<std::uint64_t> unshown_;
  std::optional<std::size_t> retired_label_;
  std::size_t limit_ = std::numeric_limits<std::size_t>::max();
  std::chrono::nanoseconds linger_{0};
  std::chrono::nanoseconds min_age_{0};
  std::function<bool(std::span<const std::byte> key)> is_over_;
  std::unordered_map<std::uint64_t, std::chrono::steady_clock::time_point>
      young_;  ///< by the hash of the key: first met

  bool tracked_ = false;
  std::vector<std::uint64_t> last_;  ///< of each entry: its row's value in the last snapshot; not of gauges
  /// Of the entries whose labels have changed: what of their values counted under the labels that they had before.
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> base_;
  std::vector<std::uint64_t> zeros_;
  std::vector<std::uint64_t> difference_;  // kept for its memory

  std::span<std::uint32_t> shown_;
  bool shown_before_ = false;
  bool updated_ = false;

  std::vector<std::string> decoded_;  // kept for their memory
  std::string rendered_;
  std::optional<std::uint64_t> generation_;  ///< of the labels, at the last update
};

inline std::size_t SeriesView::size() const {
  return table_->series_;
}

template <class Visit>
void SeriesView::for_each(Visit&& visit) const {
  const bool gauge = table_->kind_ == schema::MetricKind::Gauge;
  const auto entries = static_cast<std::uint32_t>(table_->entries_.size());
  for (std::uint32_t number = 0; number < entries; ++number) {
    const SeriesTable::Entry& entry = table_->entries_[number];
    if (entry.leader != number || entry.row == SeriesTable::kNone) {
      continue;
    }
    std::span<const std::uint64_t> value = table_->value_of(entry.row, *snapshot_);
    if (gauge) {
      if (value[1] == 0) {
        continue;
      }
    } else if (entry.born > by_value_) {
      value = table_->zeros_;
    }
    if (!visit(table_->text_of(entry), value)) {
      return;
    }
  }
}

}  // namespace tpx::decode
