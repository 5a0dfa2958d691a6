#include "decode/record_arena.h"

#include <cstring>
#include <limits>
#include <new>

namespace tpx::decode {

void RecordArena::reserve(std::size_t capacity) {
  if (capacity > std::size_t{std::numeric_limits<Handle>::max()} * kUnit) {
    throw std::bad_alloc();
  }
  auto* grown = static_cast<std::byte*>(std::realloc(block_.get(), capacity));
  if (grown == nullptr) {
    throw std::bad_alloc();
  }
  static_cast<void>(block_.release());  // realloc() freed or moved it
  block_.reset(grown);
  capacity_ = capacity;
}

RecordArena::Handle RecordArena::append(std::span<const std::byte> head, std::span<const std::byte> tail) {
  const std::size_t size = round_up(head.size() + tail.size());
  if (capacity_ - used_ < size) {
    reserve((used_ + size) + (used_ + size) / 2 + 64);
  }
  std::byte* to = block_.get() + used_;
  if (!head.empty()) {
    std::memcpy(to, head.data(), head.size());
  }
  if (!tail.empty()) {
    std::memcpy(to + head.size(), tail.data(), tail.size());
  }
  const auto record = static_cast<Handle>(used_ / kUnit);
  used_ += size;
  return record;
}

RecordArena::Handle RecordArena::keep(Handle record, std::size_t size) {
  if (size > 0) {
    std::memmove(block_.get() + compacted_, at(record), size);
  }
  const auto moved = static_cast<Handle>(compacted_ / kUnit);
  compacted_ += round_up(size);
  return moved;
}

void RecordArena::end_compaction() {
  used_ = compacted_;
  if (capacity_ > 4 * used_ + 4096) {
    reserve(used_ + used_ / 2 + 64);  // give back what a burst of series had taken
  }
}

}  // namespace tpx::decode
