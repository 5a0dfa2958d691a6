#include "decode/series_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "decode/label_text.h"
#include "decode/value_math.h"

namespace tpx::decode {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace

SeriesTable::SeriesTable(const schema::KeyLayout& key, const schema::ValueLayout& value, LabelSource& source,
                         Vanished vanished)
    : kind_(value.kind),
      words_(value.words()),
      key_size_(key.size),
      source_(source),
      ended_(words_, 0),
      unshown_(words_, 0),
      tracked_(vanished == Vanished::Ended || !source.stable()),
      zeros_(words_, 0) {
  for (const schema::KeyField& field : key.fields) {
    names_.push_back(field.label);
  }
  const std::vector<std::string> others(names_.size(), "other");
  render_labels(other_text_, names_, others);
}

SeriesView SeriesTable::update(const reader::MapSnapshot& snapshot, const Showing& showing) {
  if (dead_ > 1024 && dead_ > (entries_.size() - dead_) / 4) {
    compact();
  }
  if (entries_.empty()) {
    // Exactly as much as the first snapshot needs: most tables hardly grow after it.
    entries_.reserve(snapshot.rows() + 1);
    rebuild_indexes(snapshot.rows() + 1, tracked_ || !snapshot.ids_last);
  }
  for (Entry& entry : entries_) {
    entry.row = kNone;
  }
  merged_.clear();
  series_ = 0;
  if (tracked_) {
    count_tracked(snapshot, showing);
  } else {
    count_rows(snapshot, showing);
  }
  // Those that are old enough by now and were not met again are gone.
  std::erase_if(young_, [&](const auto& entry) { return showing.now - entry.second >= min_age_; });
  settle_carries(showing);
  count_other(snapshot);
  count_carries(snapshot);
  if (!std::exchange(updated_, true)) {
    recall_shown(snapshot);
  }
  if (bury_unseen(showing)) {
    note_shown(snapshot);
  }
  return {*this, snapshot, showing.by_value};
}

void SeriesTable::forget_snapshot() {
  for (Entry& entry : entries_) {
    entry.row = kNone;
  }
}

void SeriesTable::count_rows(const reader::MapSnapshot& snapshot, const Showing& showing) {
  const auto rows = static_cast<std::uint32_t>(snapshot.rows());
  const bool has_ids = snapshot.ids.size() == rows;
  if (hints_.size() < rows) {
    hints_.resize(rows, kNone);
  }
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::size_t place = has_ids ? snapshot.ids[row] : row;
    const std::uint32_t entry = entry_of(place, snapshot.key(row), snapshot.ids_last && has_ids, showing);
    if (entry != kNone) {
      count(entry, row, snapshot);
    }
  }
}

std::uint32_t SeriesTable::entry_of(std::size_t place, std::span<const std::byte> key, bool by_id,
                                    const Showing& showing) {
  if (place >= hints_.size()) {
    hints_.resize(place + 1, kNone);
  }
  std::uint32_t entry = hints_[place];
  if (by_id) {
    entry = find_by_id(entry, key);
  } else if (entry >= entries_.size() || !has_key(entry, key)) {
    entry = find_or_decode(key, showing);
  }
  hints_[place] = entry;
  return entry;
}

void SeriesTable::count_tracked(const reader::MapSnapshot& snapshot, const Showing& showing) {
  std::vector<std::uint32_t> row_of(entries_.size(), kNone);  // each entry's row: see value_of()
  const auto rows = static_cast<std::uint32_t>(snapshot.rows());
  const bool has_ids = snapshot.ids.size() == rows;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::uint32_t entry = entry_of(has_ids ? snapshot.ids[row] : row, snapshot.key(row), false, showing);
    if (entry == kNone) {
      continue;
    }
    if (row_of.size() < entries_.size()) {
      row_of.resize(entries_.size(), kNone);
    }
    row_of[entry] = row_of[entry] == kNone ? row : merge(row_of[entry], row, snapshot);
  }
  make_room_for_last();
  const bool relabel = labels_may_differ();
  for (std::uint32_t number = 0; number < row_of.size(); ++number) {
    if (entries_[number].keyed == 0 || entries_[number].leader == kDead) {
      continue;
    }
    if (row_of[number] == kNone) {
      end_tracked(number);
    } else {
      show_tracked(relabel ? follow_labels(number) : number, row_of[number], snapshot);
    }
  }
}

/// Since the last update.
bool SeriesTable::labels_may_differ() {
  if (source_.stable()) {
    return false;
  }
  const auto before = std::exchange(generation_, source_.generation());
  return !generation_ || generation_ != before;
}

/// Asks for the labels again. When they are others, what the row has counted so far stays with the old ones, and the row
/// goes on in a new entry, whose number is returned.
std::uint32_t SeriesTable::follow_labels(std::uint32_t number) {
  const std::uint32_t old = entries_[number].leader;
  const bool kept = render(key_of(entries_[number]));
  if (kept ? old != kLeftOut && text_of(entries_[old]) == rendered_ : old == kLeftOut) {
    return number;
  }
  leave(number);
  const std::vector<std::byte> key(key_of(entries_[number]).begin(), key_of(entries_[number]).end());
  entries_[number].keyed = 0;
  const std::uint32_t next = decode_row(key, true);
  keys_.insert(HashIndex::hash_of(as_text(key)), next);
  make_room_for_last();
  if (kind_ == schema::MetricKind::Gauge) {
    return next;
  }
  const auto last = words_of(last_, number);
  auto base = base_.extract(number);
  if (old != kLeftOut) {
    base_[next].assign(last.begin(), last.end());
  } else if (!base.empty()) {
    base_[next] = std::move(base.mapped());
  }
  std::copy(last.begin(), last.end(), words_of(last_, next).begin());
  std::fill(last.begin(), last.end(), 0);
  return next;
}

/// What the row showed stays with its labels.
void SeriesTable::leave(std::uint32_t number) {
  const std::uint32_t leader = entries_[number].leader;
  if (leader == kLeftOut || kind_ == schema::MetricKind::Gauge) {
    return;
  }
  const auto last = words_of(last_, number);
  difference_.assign(last.begin(), last.end());
  if (const auto base = base_.find(number); base != base_.end()) {
    if (!covers(kind_, difference_, base->second)) {
      return;
    }
    subtract_value(kind_, difference_, base->second);
  }
  if (has_value(kind_, difference_)) {
    carry_vanished(leader, difference_);
  }
}

/// The row is gone. The entry stays as long as its text is shown.
void SeriesTable::end_tracked(std::uint32_t number) {
  leave(number);
  if (kind_ != schema::MetricKind::Gauge) {
    const auto last = words_of(last_, number);
    add_value(kind_, ended_, last);
    std::fill(last.begin(), last.end(), 0);
    base_.erase(number);
  }
  entries_[number].keyed = 0;
}

void SeriesTable::show_tracked(std::uint32_t number, std::uint32_t row, const reader::MapSnapshot& snapshot) {
  if (kind_ != schema::MetricKind::Gauge) {
    const auto last = words_of(last_, number);
    if (!covers(kind_, value_of(row, snapshot), last)) {  // gone and there again in between
      leave(number);
      add_value(kind_, ended_, last);
      base_.erase(number);
    }
    std::ranges::copy(value_of(row, snapshot), last.begin());
    if (const auto base = base_.find(number); base != base_.end()) {
      const auto place = static_cast<std::uint32_t>(merged_.size());
      merged_.insert(merged_.end(), last.begin(), last.end());
      subtract_value(kind_, std::span(merged_).subspan(place, words_), base->second);
      row = kMerged | place;
    }
  }
  count(number, row, snapshot);
}

std::size_t SeriesTable::bytes() const {
  return arena_.bytes() + entries_.capacity() * sizeof(Entry) + keys_.bytes() + texts_.bytes() +
         hints_.capacity() * sizeof(std::uint32_t) + carries_.capacity() * (sizeof(Carry) + 40) +
         (merged_.capacity() + carry_values_.capacity() + carry_shown_.capacity() + last_.capacity() +
          base_.size() * (words_ + 8)) *
             8;
}

// Rows are numbered: those of the snapshot, then `other`, then the carries; merged values have kMerged set.
std::span<const std::uint64_t> SeriesTable::value_of(std::uint32_t row, const reader::MapSnapshot& snapshot) const {
  if ((row & kMerged) != 0) {
    return std::span(merged_).subspan(row & ~kMerged, words_);
  }
  if (row < snapshot.rows()) {
    return snapshot.value(row);
  }
  if (row == snapshot.rows()) {
    return snapshot.other;
  }
  return std::span(carry_values_).subspan((row - snapshot.rows() - 1) * words_, words_);
}

bool SeriesTable::has_key(std::uint32_t number, std::span<const std::byte> key) const {
  const Entry& entry = entries_[number];
  return entry.keyed != 0 && entry.leader != kDead && as_text(key_of(entry)) == as_text(key);
}

void SeriesTable::count(std::uint32_t number, std::uint32_t row, const reader::MapSnapshot& snapshot) {
  Entry& entry = entries_[number];
  if (entry.leader != number) {
    entry.row = row;  // seen
    if (entry.leader == kLeftOut) {
      return;
    }
  }
  Entry& leader = entries_[entry.leader];
  if (leader.row == kNone) {
    leader.row = row;
    ++series_;
  } else {
    leader.row = merge(leader.row, row, snapshot);
  }
}

/// Adds the value of `other` to a copy of the value of `row`; that is, to itself if it is such a sum already.
std::uint32_t SeriesTable::merge(std::uint32_t row, std::uint32_t other, const reader::MapSnapshot& snapshot) {
  if ((row & kMerged) == 0) {
    const std::span<const std::uint64_t> first = value_of(row, snapshot);
    row = kMerged | static_cast<std::uint32_t>(merged_.size());
    merged_.insert(merged_.end(), first.begin(), first.end());
  }
  add_value(kind_, std::span(merged_).subspan(row & ~kMerged, words_), value_of(other, snapshot));
  return row;
}

void SeriesTable::count_other(const reader::MapSnapshot& snapshot) {
  if (snapshot.other.size() == words_ && has_value(kind_, snapshot.other)) {
    count(find_or_add_text(other_text_), static_cast<std::uint32_t>(snapshot.rows()), snapshot);
  }
}

bool SeriesTable::bury_unseen(const Showing& showing) {
  bool exposed = false;
  for (Entry& entry : entries_) {
    if (entry.row == kNone) {
      if (entry.leader != kDead) {
        entry.leader = kDead;
        ++dead_;
      }
    } else if (entry.born == 0) {
      entry.born = showing.sequence;
      exposed = true;
    }
  }
  return exposed;
}

/// Calls `visit(leader, shown)` for each row that has a place in shown_, and for the series `other`.
template <class Visit>
void SeriesTable::for_each_shown(const reader::MapSnapshot& snapshot, Visit&& visit) {
  if (shown_.empty()) {
    return;
  }
  const auto rows = static_cast<std::uint32_t>(snapshot.rows());
  const bool has_ids = snapshot.ids.size() == rows;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::size_t place = has_ids ? snapshot.ids[row] : row;
    const std::uint32_t number = place < hints_.size() ? hints_[place] : kNone;
    const std::uint32_t leader = number < entries_.size() ? entries_[number].leader : kDead;
    if (place + 1 < shown_.size() && leader < entries_.size()) {
      visit(entries_[leader], shown_[place]);
    }
  }
  if (const std::uint32_t other = find_text(other_text_, HashIndex::hash_of(other_text_)); other != kNone) {
    visit(entries_[other], shown_.back());
  }
}

void SeriesTable::recall_shown(const reader::MapSnapshot& snapshot) {
  for_each_shown(snapshot, [](Entry& leader, std::uint32_t shown) {
    if (shown != 0 && (leader.born == 0 || shown < leader.born)) {
      leader.born = shown;
    }
  });
  for (Entry& entry : entries_) {
    entry.born = shown_before_ && entry.row != kNone ? 1 : entry.born;
  }
}

void SeriesTable::note_shown(const reader::MapSnapshot& snapshot) {
  for_each_shown(snapshot, [](const Entry& leader, std::uint32_t& shown) { shown = shown == 0 ? leader.born : shown; });
}

bool SeriesTable::too_young(std::uint64_t hash, const Showing& showing) {
  if (min_age_.count() == 0) {
    return false;
  }
  const auto [met, first] = young_.try_emplace(hash, showing.now);
  if (first || showing.now - met->second < min_age_) {
    return true;
  }
  young_.erase(met);
  return false;
}

std::uint32_t SeriesTable::find_or_decode(std::span<const std::byte> key, const Showing& showing) {
  const std::uint64_t hash = HashIndex::hash_of(as_text(key));
  const std::uint32_t known = keys_.find(hash, [&](std::uint32_t number) { return has_key(number, key); });
  if (known != kNone) {
    return known;
  }
  if (too_young(hash, showing) || (is_over_ && is_over_(key))) {
    return kNone;
  }
  const std::uint32_t number = decode_row(key, true);
  keys_.insert(hash, number);
  return number;
}

bool SeriesTable::render(std::span<const std::byte> key) {
  if (!source_.decode(key, decoded_)) {
    return false;
  }
  decoded_.resize(names_.size());
  render_labels(rendered_, names_, decoded_);
  return true;
}

std::uint32_t SeriesTable::find_by_id(std::uint32_t hint, std::span<const std::byte> key) {
  return hint < entries_.size() && entries_[hint].leader != kDead ? hint : decode_row(key, false);
}

std::uint32_t SeriesTable::decode_row(std::span<const std::byte> key, bool keyed) {
  make_room();
  const auto number = static_cast<std::uint32_t>(entries_.size());
  const std::span<const std::byte> kept = keyed ? key : std::span<const std::byte>();
  if (!render(key)) {
    append(kept, {}, kLeftOut);
  } else {
    const std::uint64_t text_hash = HashIndex::hash_of(rendered_);
    const std::uint32_t leader = find_text(rendered_, text_hash);
    if (leader != kNone) {
      append(kept, {}, leader);
    } else {
      append(kept, rendered_, number);
      texts_.insert(text_hash, number);
    }
  }
  entries_.back().keyed = keyed ? 1 : 0;
  return number;
}

std::uint32_t SeriesTable::find_text(std::string_view text, std::uint64_t hash) const {
  return texts_.find(hash, [&](std::uint32_t number) {
    const Entry& entry = entries_[number];
    return entry.leader == number && text_of(entry) == text;
  });
}

std::uint32_t SeriesTable::find_or_add_text(std::string_view text) {
  const std::uint64_t hash = HashIndex::hash_of(text);
  const std::uint32_t known = find_text(text, hash);
  if (known != kNone) {
    return known;
  }
  make_room();
  const auto number = static_cast<std::uint32_t>(entries_.size());
  append({}, text, number);
  texts_.insert(hash, number);
  return number;
}

std::uint32_t SeriesTable::append(std::span<const std::byte> key, std::string_view text, std::uint32_t leader) {
  Entry entry;
  entry.record = arena_.append(as_bytes(text), key);
  entry.leader = leader;
  entry.text_size = static_cast<std::uint32_t>(text.size()) & 0x7fffffffU;
  entries_.push_back(entry);
  return static_cast<std::uint32_t>(entries_.size()) - 1;
}

void SeriesTable::make_room() {
  if (keys_.full() || texts_.full()) {
    const std::size_t live = entries_.size() - dead_;
    rebuild_indexes(live + live / 4 + 16, keys_.used() > 0);
  }
}

void SeriesTable::rebuild_indexes(std::size_t expected, bool with_keys) {
  keys_.reset(with_keys ? expected : 0);
  texts_.reset(expected);
  for (std::uint32_t number = 0; number < entries_.size(); ++number) {
    const Entry& entry = entries_[number];
    if (entry.leader == kDead) {
      continue;
    }
    if (entry.keyed != 0) {
      keys_.insert(HashIndex::hash_of(as_text(key_of(entry))), number);
    }
    if (entry.leader == number) {
      texts_.insert(HashIndex::hash_of(text_of(entry)), number);
    }
  }
}

// Drops dead entries and their records in place, keeping the order; then numbers have changed everywhere.
void SeriesTable::compact() {
  std::vector<std::uint32_t> moved(entries_.size(), kNone);
  std::uint32_t kept = 0;
  arena_.begin_compaction();
  for (std::uint32_t number = 0; number < entries_.size(); ++number) {
    Entry entry = entries_[number];
    if (entry.leader == kDead) {
      continue;
    }
    entry.record = arena_.keep(entry.record, key_size_of(entry) + entry.text_size);
    moved[number] = kept;
    if (last_.size() >= (std::size_t{number} + 1) * words_) {
      const auto from = words_of(last_, number);
      std::copy(from.begin(), from.end(), words_of(last_, kept).begin());
    }
    entries_[kept++] = entry;
  }
  arena_.end_compaction();
  entries_.resize(kept);
  last_.resize(std::min(last_.size(), std::size_t{kept} * words_));
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> base;
  for (auto& [number, value] : base_) {
    base[moved[number]] = std::move(value);
  }
  base_ = std::move(base);
  carry_of_leader_.clear();
  for (std::uint32_t index = 0; index < carries_.size(); ++index) {
    carries_[index].entry = moved[carries_[index].entry];
    carry_of_leader_[carries_[index].entry] = index;
  }
  dead_ = 0;
  for (Entry& entry : entries_) {
    if (entry.leader != kLeftOut) {
      entry.leader = moved[entry.leader];
    }
  }
  for (std::uint32_t& hint : hints_) {
    hint = hint < moved.size() ? moved[hint] : kNone;
  }
  rebuild_indexes(entries_.size(), keys_.used() > 0);
}

}  // namespace tpx::decode
