#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

namespace tpx {

/// An open-addressed index from hashes to 32-bit numbers; whoever owns the numbered things compares them. 5 bytes a slot:
/// a byte of each hash is kept, so that a look-up touches the things themselves almost only where they match. Nothing is
/// erased: find()'s caller refuses what is gone, and the index is built anew from time to time. Not thread-safe.
class HashIndex {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  /// Forgets everything and makes room for at least `expected` numbers.
  void reset(std::size_t expected) {
    const std::size_t slots = expected + expected / 4 + 16;
    tags_.assign(slots, 0);
    numbers_.assign(slots, kNone);
    used_ = 0;
  }
  /// True when insert() must not be called before a reset().
  [[nodiscard]] bool full() const { return (used_ + 1) * 8 > tags_.size() * 7; }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t bytes() const { return tags_.capacity() * (1 + sizeof(std::uint32_t)); }

  void insert(std::uint64_t hash, std::uint32_t number) {
    std::size_t slot = slot_of(hash);
    while (tags_[slot] != 0) {
      slot = next(slot);
    }
    tags_[slot] = tag_of(hash);
    numbers_[slot] = number;
    ++used_;
  }

  /// The first number under `hash` for which `equal(number)` is true, or kNone.
  template <class Equal>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Equal&& equal) const {
    if (tags_.empty()) {
      return kNone;
    }
    const std::uint8_t tag = tag_of(hash);
    for (std::size_t slot = slot_of(hash); tags_[slot] != 0; slot = next(slot)) {
      if (tags_[slot] == tag && equal(numbers_[slot])) {
        return numbers_[slot];
      }
    }
    return kNone;
  }

  [[nodiscard]] static std::uint64_t hash_of(std::string_view bytes) { return std::hash<std::string_view>{}(bytes); }

 private:
  // The slot comes from the upper half of the hash by multiplication, so that the size need not be a power of two; the
  // tag comes from the lower half.
  [[nodiscard]] std::size_t slot_of(std::uint64_t hash) const {
    return static_cast<std::size_t>(((hash >> 32U) * tags_.size()) >> 32U);
  }
  [[nodiscard]] static std::uint8_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint8_t>((hash & 0xffU) | 1U);
  }
  [[nodiscard]] std::size_t next(std::size_t slot) const { return slot + 1 == tags_.size() ? 0 : slot + 1; }

  std::vector<std::uint8_t> tags_;  ///< 0: the slot is free
  std::vector<std::uint32_t> numbers_;
  std::size_t used_ = 0;
};

}  // namespace tpx
