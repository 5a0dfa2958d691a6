#include "loader/ring_buffer.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tpx::loader {

Result<RingBuffer> RingBuffer::create(std::uint32_t bytes) {
  RingBuffer ring;
  ring.size_ = bytes;
  ring.page_ = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  ring.fd_.reset(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "tpx_events", 0, 0, bytes, nullptr));
  if (!ring.fd_.valid()) {
    return fail(os_failure("can't create a ring buffer of " + std::to_string(bytes >> 20U) + " MiB", errno,
                           errno == EPERM ? "run as root, or grant CAP_BPF and CAP_PERFMON"
                                          : "it needs Linux 5.8 and that much free memory"));
  }
  void* consumer = mmap(nullptr, ring.page_, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd_.get(), 0);
  if (consumer == MAP_FAILED) {
    return fail(os_failure("can't map a ring buffer into memory", errno));
  }
  ring.consumer_ = static_cast<std::uint64_t*>(consumer);
  void* producer =
      mmap(nullptr, ring.page_ + 2 * ring.size_, PROT_READ, MAP_SHARED, ring.fd_.get(), static_cast<off_t>(ring.page_));
  if (producer == MAP_FAILED) {
    return fail(os_failure("can't map a ring buffer into memory", errno));
  }
  ring.producer_ = static_cast<std::byte*>(producer);
  return ring;
}

RingBuffer::RingBuffer(RingBuffer&& other) noexcept
    : fd_(std::move(other.fd_)),
      size_(other.size_),
      page_(other.page_),
      consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)) {}

RingBuffer::~RingBuffer() {
  if (consumer_ != nullptr) {
    munmap(consumer_, page_);
  }
  if (producer_ != nullptr) {
    munmap(producer_, page_ + 2 * size_);
  }
}

}  // namespace tpx::loader
