#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::loader {

/// The reading end of a BPF ring buffer (BPF_MAP_TYPE_RINGBUF; layout: kernel/bpf/ringbuf.c and
/// Documentation/bpf/ringbuf.rst). Programs on all CPUs write while one thread reads. Move-only.
class RingBuffer {
 public:
  /// `bytes` of data: a power of two, a multiple of the page size.
  [[nodiscard]] static Result<RingBuffer> create(std::uint32_t bytes);
  RingBuffer(RingBuffer&& other) noexcept;
  RingBuffer& operator=(RingBuffer&&) = delete;
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer();

  [[nodiscard]] int descriptor() const { return fd_.get(); }

  /// Calls `bool visit(std::span<const std::byte> record)` for the records that are complete now, oldest first, at most
  /// `most`, until one returns false (that one is taken). How many were taken. Their room is free again when it returns.
  template <class Visit>
  std::size_t consume(std::size_t most, Visit&& visit);

 private:
  static constexpr std::uint32_t kBusy = 1U << 31U;     // BPF_RINGBUF_BUSY_BIT
  static constexpr std::uint32_t kDiscard = 1U << 30U;  // BPF_RINGBUF_DISCARD_BIT
  static constexpr std::uint32_t kHeader = 8;           // BPF_RINGBUF_HDR_SZ
  RingBuffer() = default;

  UniqueFd fd_;
  std::uint64_t size_ = 0;
  std::uint64_t page_ = 0;
  std::uint64_t* consumer_ = nullptr;  ///< the position up to which we have read
  std::byte* producer_ = nullptr;      ///< its position, and a page further the data, twice in a row
};

template <class Visit>
std::size_t RingBuffer::consume(std::size_t most, Visit&& visit) {
  std::uint64_t position = *consumer_;
  const std::uint64_t end = __atomic_load_n(reinterpret_cast<const std::uint64_t*>(producer_), __ATOMIC_ACQUIRE);
  const std::byte* data = producer_ + page_;
  std::size_t taken = 0;
  bool more = true;
  while (more && position < end && taken < most) {
    const std::byte* record = data + (position & (size_ - 1));
    const std::uint32_t length = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(record), __ATOMIC_ACQUIRE);
    if ((length & kBusy) != 0) {
      break;
    }
    const std::uint32_t bytes = length & ~kDiscard;
    if ((length & kDiscard) == 0) {
      ++taken;
      more = visit(std::span<const std::byte>(record + kHeader, bytes));
    }
    position += (std::uint64_t{bytes} + kHeader + 7) / 8 * 8;
  }
  __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
  return taken;
}

}  // namespace tpx::loader
