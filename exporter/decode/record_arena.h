#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace tpx::decode {

/// Records of bytes, one after the other in one block that only grows at its end. Handles count units of 4 bytes, so that
/// 32 bits reach 16 GiB. On realloc() because glibc grows large blocks by remapping pages: no second copy, no double peak.
/// Not thread-safe.
class RecordArena {
 public:
  using Handle = std::uint32_t;

  /// Stores `head` and `tail` as one record. Throws std::bad_alloc.
  Handle append(std::span<const std::byte> head, std::span<const std::byte> tail);
  /// Valid until the next append().
  [[nodiscard]] const std::byte* at(Handle record) const { return block_.get() + std::size_t{record} * kUnit; }

  /// Drops records in place: call begin_compaction(), then keep() for the records that stay, in the order of their
  /// handles, each with its size and giving its new handle, then end_compaction().
  void begin_compaction() { compacted_ = 0; }
  Handle keep(Handle record, std::size_t size);
  void end_compaction();

  void clear() { used_ = 0; }
  [[nodiscard]] std::size_t bytes() const { return used_; }

 private:
  static constexpr std::size_t kUnit = 4;
  static constexpr std::size_t round_up(std::size_t size) { return (size + kUnit - 1) / kUnit * kUnit; }
  void reserve(std::size_t capacity);

  struct Free {
    void operator()(std::byte* block) const { std::free(block); }
  };
  std::unique_ptr<std::byte[], Free> block_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::size_t compacted_ = 0;
};

}  // namespace tpx::decode
