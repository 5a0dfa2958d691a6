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
  const std::uint64_t size = page_above(bytes);
  auto options = default_options<bpf_map_create_opts>();
  options.map_flags = BPF_F_MMAPABLE;
  UniqueFd array(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, object_name(name).c_str(), 4, static_cast<__u32>(size), 1, &options));
  if (!array.valid()) {
    return fail(os_failure("can't create a map of " + std::to_string(size >> 10U) + " KiB", errno,
                           errno == EPERM ? "run as root, or grant CAP_BPF and CAP_PERFMON" : "lower max_series"));
  }
  return map(std::move(array), size, hidden);
}

Result<Region> Region::map(UniqueFd array, std::uint64_t bytes, Piece hidden) {
  auto mapping = std::make_shared<Mapping>();
  mapping->fd = std::move(array);
  mapping->size = bytes;
  mapping->hidden = hidden;
  // The addresses first, of all of it, then the pieces on either side of what is hidden.
  void* memory = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(os_failure("can't map a BPF array into memory", errno));
  }
  mapping->data = static_cast<std::byte*>(memory);
  const std::uint64_t first = page_above(hidden.offset);
  const std::uint64_t end = std::max(first, page_below(hidden.offset + hidden.bytes));
  for (const auto& [from, to] : {std::pair(std::uint64_t{0}, first), std::pair(end, bytes)}) {
    if (from < to && mmap(mapping->data + from, to - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                          mapping->fd.get(), static_cast<off_t>(from)) == MAP_FAILED) {
      return fail(os_failure("can't map a BPF array into memory", errno));
    }
  }
  Region region;
  region.data_ = mapping->data;
  region.size_ = bytes;
  region.mapping_ = std::move(mapping);
  return region;
}

Region Region::share() const {
  Region region;
  region.mapping_ = mapping_;
  region.data_ = data_;
  region.size_ = size_;
  return region;
}

Region::Mapping::~Mapping() {
  if (data != nullptr) {
    munmap(data, size);
  }
}

}  // namespace tpx::loader
