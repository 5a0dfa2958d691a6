// The part of SeriesTable that deals with rows which have ended.

#include <algorithm>

#include "decode/label_text.h"
#include "decode/series_table.h"
#include "decode/value_math.h"

namespace tpx::decode {

namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool SeriesTable::end_row(std::span<const std::byte> key, std::span<const std::uint64_t> value,
                          const reader::MapSnapshot& snapshot) {
  const std::uint64_t hash = HashIndex::hash_of(as_text(key));
  if (kind_ == schema::MetricKind::Gauge) {  // what a process set last says nothing once it is over
    young_.erase(hash);
    return true;
  }
  add_value(kind_, ended_, value);
  const std::uint32_t number = keys_.find(hash, [&](std::uint32_t entry) { return has_key(entry, key); });
  if (number == kNone) {
    young_.erase(hash);
    return false;
  }
  const std::uint32_t leader = entries_[number].leader;
  if (leader == kLeftOut) {
    return true;
  }
  if (tracked_) {
    std::vector<std::uint64_t> rest(value.begin(), value.end());
    take_from_tracked(number, rest);
    carry_row(leader, rest, snapshot);
  } else {
    carry_row(leader, value, snapshot);
  }
  return true;
}

/// Takes the row's value out of what its entry is known by, and out of `value` what other labels showed of it. Other rows of
/// the same key stay in the entry.
void SeriesTable::take_from_tracked(std::uint32_t number, std::span<std::uint64_t> value) {
  const auto last = words_of(last_, number);
  if (covers(kind_, last, value)) {
    subtract_value(kind_, last, value);
  } else {
    std::fill(last.begin(), last.end(), 0);
  }
  if (const auto base = base_.find(number); base != base_.end() && covers(kind_, value, base->second)) {
    subtract_value(kind_, value, base->second);
    base_.erase(base);
  }
}

std::uint32_t SeriesTable::find_carry(std::uint32_t leader) const {
  const auto found = carry_of_leader_.find(leader);
  return found == carry_of_leader_.end() ? kNone : found->second;
}

std::uint32_t SeriesTable::carry_of(std::uint32_t leader, bool permanent) {
  std::uint32_t index = find_carry(leader);
  if (index == kNone) {
    index = static_cast<std::uint32_t>(carries_.size());
    carry_of_leader_[leader] = index;
    carries_.push_back({});
    carries_.back().entry = leader;
    carry_values_.resize(carry_values_.size() + words_, 0);
    carry_shown_.resize(carry_values_.size(), 0);
    permanent = permanent || text_of(entries_[leader]) == other_text_;
  }
  if (permanent && !carries_[index].permanent) {
    carries_[index].permanent = true;
    ++permanent_;
  }
  return index;
}

/// Of a row that the last update() had; what its series showed then is noted.
void SeriesTable::carry_row(std::uint32_t leader, std::span<const std::uint64_t> value,
                            const reader::MapSnapshot& snapshot) {
  const std::uint32_t row = entries_[leader].row;
  const std::uint32_t index = carry_of(leader, false);
  Carry& carry = carries_[index];
  if (!carry.has_shown || carry.final != 0) {
    carry.has_shown = row != kNone;
    if (carry.has_shown) {
      const auto then = value_of(row, snapshot);
      std::copy(then.begin(), then.end(), words_of(carry_shown_, index).begin());
    }
  }
  carry.final = 0;
  add_value(kind_, words_of(carry_values_, index), value);
}

/// Of a row that is gone with the value that the last update() showed.
void SeriesTable::carry_vanished(std::uint32_t leader, std::span<const std::uint64_t> value) {
  const std::uint32_t index = carry_of(leader, false);
  const auto sum = words_of(carry_values_, index);
  add_value(kind_, sum, value);
  std::copy(sum.begin(), sum.end(), words_of(carry_shown_, index).begin());
  carries_[index].has_shown = true;
  carries_[index].final = 0;
}

void SeriesTable::add_ended(std::string_view text, std::span<const std::uint64_t> value) {
  std::uint32_t leader = find_text(text, HashIndex::hash_of(text));
  const std::uint32_t carry = leader == kNone ? kNone : find_carry(leader);
  const bool there = carry != kNone && carries_[carry].permanent;
  if (!there && permanent_ >= limit_) {
    leader = find_or_add_text(other_text_);
  } else if (leader == kNone) {
    leader = find_or_add_text(text);
  }
  add_value(kind_, words_of(carry_values_, carry_of(leader, true)), value);
}

void SeriesTable::add_retired(std::span<const std::string> labels, std::span<const std::uint64_t> value) {
  render_labels(rendered_, names_, labels);
  add_ended(rendered_, value);
}

bool SeriesTable::seen_by_all(const Carry& carry, const Showing& showing) const {
  return carry.final != 0 && showing.seen_by_all >= carry.final &&
         showing.values_seen_by_all >= entries_[carry.entry].born;
}

void SeriesTable::settle_carries(const Showing& showing) {
  for (std::uint32_t index = static_cast<std::uint32_t>(carries_.size()); index-- > 0;) {
    Carry& carry = carries_[index];
    if (entries_[carry.entry].row != kNone || carry.permanent) {
      carry.lingers = carry.has_shown = false;
      carry.final = 0;
      continue;
    }
    if (!carry.lingers) {
      carry.lingers = true;
      carry.since = showing.now;
    }
    if (seen_by_all(carry, showing) && showing.now - carry.since >= linger_) {
      drop_carry(index, showing);
    }
  }
  limit_lingering(showing);
  for (Carry& carry : carries_) {
    if (carry.lingers && carry.final == 0) {
      carry.final = showing.sequence;
    }
  }
}

/// Lets those go first that all have seen, and of each kind the oldest.
void SeriesTable::limit_lingering(const Showing& showing) {
  const auto lingering = static_cast<std::size_t>(
      std::count_if(carries_.begin(), carries_.end(), [](const Carry& carry) { return carry.lingers; }));
  if (lingering <= limit_) {
    return;
  }
  std::vector<std::uint32_t> leaders;
  for (const Carry& carry : carries_) {
    if (carry.lingers) {
      leaders.push_back(carry.entry);
    }
  }
  const auto goes_first = [&](std::uint32_t a, std::uint32_t b) {
    const Carry& first = carries_[find_carry(a)];
    const Carry& second = carries_[find_carry(b)];
    const bool seen = seen_by_all(first, showing);
    return seen != seen_by_all(second, showing) ? seen : first.since < second.since;
  };
  std::stable_sort(leaders.begin(), leaders.end(), goes_first);
  leaders.resize(lingering - limit_);
  for (const std::uint32_t leader : leaders) {
    drop_carry(find_carry(leader), showing);
  }
}

/// Ends a series. What no scraper was shown of it goes to the ended ones.
void SeriesTable::drop_carry(std::uint32_t index, const Showing& showing) {
  const Carry carry = carries_[index];
  const bool value_seen = showing.values_seen_by_any >= entries_[carry.entry].born;
  const auto value = words_of(carry_values_, index);
  std::vector<std::uint64_t> rest;
  if (!value_seen || carry.final == 0 || showing.seen_by_any < carry.final) {
    rest.assign(value.begin(), value.end());
    const auto shown = words_of(carry_shown_, index);
    if (value_seen && (!carry.has_shown || covers(kind_, rest, shown))) {
      subtract_value(kind_, rest, carry.has_shown ? shown : value);
    }
  }
  std::string text(text_of(entries_[carry.entry]));
  carry_of_leader_.erase(carry.entry);
  const auto last = static_cast<std::uint32_t>(carries_.size()) - 1;
  if (index != last) {
    carries_[index] = carries_[last];
    carry_of_leader_[carries_[index].entry] = index;
    for (std::vector<std::uint64_t>* values : {&carry_values_, &carry_shown_}) {
      const auto from = words_of(*values, last);
      std::copy(from.begin(), from.end(), words_of(*values, index).begin());
    }
  }
  carries_.pop_back();
  carry_values_.resize(carries_.size() * words_);
  carry_shown_.resize(carries_.size() * words_);
  if (rest.empty() || !has_value(kind_, rest)) {
    return;
  }
  add_value(kind_, unshown_, rest);
  if (retired_label_) {
    replace_label(text, *retired_label_, "exited");
    add_ended(text, rest);
  } else {
    add_ended(other_text_, rest);
  }
}

void SeriesTable::count_carries(const reader::MapSnapshot& snapshot) {
  auto row = static_cast<std::uint32_t>(snapshot.rows()) + 1;
  for (const Carry& carry : carries_) {
    count(carry.entry, row++, snapshot);
  }
}

}  // namespace tpx::decode
