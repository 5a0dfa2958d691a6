#include "decode/series_table.h"

#include <algorithm>
#include <cstring>

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

SeriesTable::SeriesTable(const plan::KeyLayout& key, const plan::ValueLayout& value, LabelSource& source)
    : kind_(value.kind), words_(value.words()), key_size_(key.size), source_(source) {
  for (const plan::KeyField& field : key.fields) {
    names_.push_back(field.label);
  }
  const std::vector<std::string> others(names_.size(), "other");
  render_labels(other_text_, names_, others);
}

SeriesView SeriesTable::update(const reader::MapSnapshot& snapshot) {
  if (!source_.stable()) {
    forget();
  } else if (dead_ > 1024 && dead_ > (entries_.size() - dead_) / 4) {
    compact();
  }
  if (entries_.empty()) {
    // Exactly as much as the first snapshot needs: most tables hardly grow after it.
    entries_.reserve(snapshot.rows() + 1);
    rebuild_indexes(snapshot.rows() + 1, !snapshot.ids_last);
  }
  for (Entry& entry : entries_) {
    entry.row = kNone;
  }
  merged_.clear();
  series_ = 0;

  const auto rows = static_cast<std::uint32_t>(snapshot.rows());
  const bool has_ids = snapshot.ids.size() == rows;
  if (hints_.size() < rows) {
    hints_.resize(rows, kNone);
  }
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::size_t place = has_ids ? snapshot.ids[row] : row;
    if (place >= hints_.size()) {
      hints_.resize(place + 1, kNone);
    }
    const std::span<const std::byte> key = snapshot.key(row);
    std::uint32_t entry = hints_[place];
    if (snapshot.ids_last && has_ids) {
      entry = find_by_id(entry, key);
    } else if (entry >= entries_.size() || !has_key(entry, key)) {
      entry = find_or_decode(key);
    }
    hints_[place] = entry;
    count(entry, row, snapshot);
  }
  count_other(snapshot);
  count_retired(snapshot);
  bury_unseen();
  return {*this, snapshot};
}

void SeriesTable::add_retired(std::span<const std::string> labels, std::span<const std::uint64_t> value) {
  render_labels(rendered_, names_, labels);
  if (retired_.size() >= retired_limit_ && !retired_.contains(rendered_)) {
    rendered_ = other_text_;
  }
  const auto [found, added] = retired_.try_emplace(rendered_, static_cast<std::uint32_t>(retired_texts_.size()));
  if (added) {
    retired_texts_.push_back(&found->first);
    retired_values_.insert(retired_values_.end(), value.begin(), value.end());
    return;
  }
  add_value(kind_, std::span(retired_values_).subspan(std::size_t{found->second} * words_, words_), value);
}

std::size_t SeriesTable::bytes() const {
  return arena_.bytes() + entries_.capacity() * sizeof(Entry) + keys_.bytes() + texts_.bytes() +
         hints_.capacity() * sizeof(std::uint32_t) + (merged_.capacity() + retired_values_.capacity()) * 8;
}

// Rows are numbered: those of the snapshot, then `other`, then the retired series; merged values have kMerged set.
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
  return std::span(retired_values_).subspan((row - snapshot.rows() - 1) * words_, words_);
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
    return;
  }
  if ((leader.row & kMerged) == 0) {
    const std::span<const std::uint64_t> first = value_of(leader.row, snapshot);
    const std::size_t place = merged_.size();
    merged_.resize(place + words_);
    std::copy(first.begin(), first.end(), merged_.begin() + static_cast<std::ptrdiff_t>(place));
    leader.row = kMerged | static_cast<std::uint32_t>(place);
  }
  add_value(kind_, std::span(merged_).subspan(leader.row & ~kMerged, words_), value_of(row, snapshot));
}

void SeriesTable::count_other(const reader::MapSnapshot& snapshot) {
  if (snapshot.other.size() == words_ && has_value(kind_, snapshot.other)) {
    count(find_or_add_text(other_text_), static_cast<std::uint32_t>(snapshot.rows()), snapshot);
  }
}

void SeriesTable::count_retired(const reader::MapSnapshot& snapshot) {
  auto row = static_cast<std::uint32_t>(snapshot.rows()) + 1;
  for (const std::string* text : retired_texts_) {
    count(find_or_add_text(*text), row++, snapshot);
  }
}

void SeriesTable::bury_unseen() {
  for (Entry& entry : entries_) {
    if (entry.row == kNone && entry.leader != kDead) {
      entry.leader = kDead;
      ++dead_;
    }
  }
}

std::uint32_t SeriesTable::find_or_decode(std::span<const std::byte> key) {
  const std::uint64_t hash = HashIndex::hash_of(as_text(key));
  const std::uint32_t known = keys_.find(hash, [&](std::uint32_t number) { return has_key(number, key); });
  if (known != kNone) {
    return known;
  }
  const std::uint32_t number = decode_row(key, true);
  keys_.insert(hash, number);
  return number;
}

std::uint32_t SeriesTable::find_by_id(std::uint32_t hint, std::span<const std::byte> key) {
  return hint < entries_.size() && entries_[hint].leader != kDead ? hint : decode_row(key, false);
}

std::uint32_t SeriesTable::decode_row(std::span<const std::byte> key, bool keyed) {
  make_room();
  const auto number = static_cast<std::uint32_t>(entries_.size());
  const std::span<const std::byte> kept = keyed ? key : std::span<const std::byte>();
  if (!source_.decode(key, decoded_)) {
    append(kept, {}, kLeftOut);
  } else {
    decoded_.resize(names_.size());
    render_labels(rendered_, names_, decoded_);
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
  entry.record = arena_.append(key, as_bytes(text));
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

void SeriesTable::forget() {
  arena_.clear();
  entries_.clear();
  hints_.assign(hints_.size(), kNone);
  dead_ = 0;
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
    entries_[kept++] = entry;
  }
  arena_.end_compaction();
  entries_.resize(kept);
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
