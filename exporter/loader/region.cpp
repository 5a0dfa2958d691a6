#include "loader/region.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "loader/object_name.h"
#include "loader/options.h"

namespace tpx::loader {

Result<Region> Region::create(const std::string& name, std::uint64_t bytes) {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  Region region;
  region.size_ = (bytes + page - 1) / page * page;
  auto options = default_options<bpf_map_create_opts>();
  options.map_flags = BPF_F_MMAPABLE;
  region.fd_.reset(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, object_name(name).c_str(), 4, static_cast<__u32>(region.size_), 1, &options));
  if (!region.fd_.valid()) {
    return fail(os_failure("can't create a map of " + std::to_string(region.size_ >> 10U) + " KiB", errno,
                           errno == EPERM ? "run as root, or grant CAP_BPF and CAP_PERFMON" : "lower max_series"));
  }
  void* memory = mmap(nullptr, region.size_, PROT_READ | PROT_WRITE, MAP_SHARED, region.fd_.get(), 0);
  if (memory == MAP_FAILED) {
    return fail(os_failure("can't map a BPF array into memory", errno));
  }
  region.data_ = static_cast<std::byte*>(memory);
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
