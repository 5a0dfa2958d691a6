#include "loader/region.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "loader/object_name.h"
#include "loader/options.h"

namespace tpx::loader {

namespace {

std::uint64_t page_bytes() {
  return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t page_above(std::uint64_t offset) {
  return (offset + page_bytes() - 1) / page_bytes() * page_bytes();
}

std::uint64_t page_below(std::uint64_t offset) {
  return offset / page_bytes() * page_bytes();
}

}  // namespace

Result<Region> Region::create(const std::string& name, std::uint64_t bytes, Piece hidden) {
  Region region;
  region.size_ = page_above(bytes);
  auto options = default_options<bpf_map_create_opts>();
  options.map_flags = BPF_F_MMAPABLE;
  region.fd_.reset(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, object_name(name).c_str(), 4, static_cast<__u32>(region.size_), 1, &options));
  if (!region.fd_.valid()) {
    return fail(os_failure("can't create a map of " + std::to_string(region.size_ >> 10U) + " KiB", errno,
                           errno == EPERM ? "run as root, or grant CAP_BPF and CAP_PERFMON" : "lower max_series"));
  }
  // The addresses first, of all of it, then the pieces on either side of what is hidden.
  void* memory = mmap(nullptr, region.size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(os_failure("can't map a BPF array into memory", errno));
  }
  region.data_ = static_cast<std::byte*>(memory);
  const std::uint64_t first = page_above(hidden.offset);
  const std::uint64_t end = std::max(first, page_below(hidden.offset + hidden.bytes));
  for (const auto& [from, to] : {std::pair(std::uint64_t{0}, first), std::pair(end, region.size_)}) {
    if (from < to && mmap(region.data_ + from, to - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                          region.fd_.get(), static_cast<off_t>(from)) == MAP_FAILED) {
      return fail(os_failure("can't map a BPF array into memory", errno));
    }
  }
  return region;
}

Region::Region(Region&& other) noexcept
    : fd_(std::move(other.fd_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::move(other.fd_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Region::~Region() {
  release();
}

void Region::release() {
  if (data_ != nullptr) {
    munmap(data_, size_);
    data_ = nullptr;
  }
}

}  // namespace tpx::loader
