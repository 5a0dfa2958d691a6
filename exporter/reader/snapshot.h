#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace tpx::reader {

/// The rows of one metric's maps at one moment, per-CPU values already summed. Flat: one buffer of keys, one of values.
/// Reused from scrape to scrape to keep its memory. Keys may repeat (equal ones are merged by the decoder). Keys that stay
/// where they are as long as their series (those of a table) are not copied: then `table_keys` is set and `keys` empty.
struct MapSnapshot {
  std::uint32_t key_size = 0;
  std::uint32_t value_words = 1;
  std::vector<std::byte> keys;            ///< rows() * key_size
  const std::byte* table_keys = nullptr;  ///< the key of row i is at table_keys + ids[i] * key_size
  std::vector<std::uint64_t> values;      ///< rows() * value_words
  /// Identity of each row between snapshots of the same metric: as long as the id and the key's bytes are the same, so is
  /// the series. Dense, small numbers for Table stores; empty when the store has none.
  std::vector<std::uint32_t> ids;
  bool ids_last = false;             ///< an id, once given to a key, stays that key's: only retirement gives them anew
  std::vector<std::uint64_t> other;  ///< the series `other`: value_words words
  std::size_t row_count = 0;
  std::size_t young = 0;  ///< rows left out for their age

  [[nodiscard]] std::size_t rows() const { return row_count; }
  [[nodiscard]] std::span<const std::byte> key(std::size_t row) const {
    return {table_keys == nullptr ? keys.data() + row * key_size : table_keys + std::size_t{ids[row]} * key_size,
            key_size};
  }
  [[nodiscard]] std::span<const std::uint64_t> value(std::size_t row) const {
    return {values.data() + row * value_words, value_words};
  }
  void clear() {
    keys.clear();
    table_keys = nullptr;
    values.clear();
    ids.clear();
    ids_last = false;
    other.clear();
    row_count = 0;
    young = 0;
  }
};

}  // namespace tpx::reader
