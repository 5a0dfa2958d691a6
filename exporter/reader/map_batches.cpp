#include "reader/map_batches.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>

namespace tpx::reader {

namespace {

constexpr std::size_t kMostElements = 4096;
constexpr std::size_t kLeastElements = 16;
/// A bucket that holds more makes the batch grow.
constexpr std::size_t kBytes = 1U << 20U;

}  // namespace

Result<void> MapBatches::read(int map, const std::string& name, std::size_t key, std::size_t element, std::size_t most,
                              const Take& take) {
  const std::size_t fitting =
      std::clamp(kBytes / std::max<std::size_t>(key + element, 1), kLeastElements, kMostElements);
  std::size_t room = std::min(fitting, std::max<std::size_t>(most, 1));
  // The cursor of a hash is a u32 bucket number; the kernel may copy a whole key.
  cursor_.resize(std::max<std::size_t>(key, 8));
  for (bool first = true;;) {
    keys_.resize(room * key);
    values_.resize((room * element + 7) / 8);
    auto count = static_cast<__u32>(room);
    const int code = bpf_map_lookup_batch(map, first ? nullptr : cursor_.data(), cursor_.data(), keys_.data(),
                                          values_.data(), &count, nullptr);
    const int reason = code == 0 ? 0 : errno;
    if (reason == ENOSPC) {
      room *= 2;  // a bucket holds more than fits; the cursor has not moved
      continue;
    }
    if (reason != 0 && reason != ENOENT) {
      return fail(os_failure("can't read " + name, reason));
    }
    take(keys_.data(), values_.data(), count);
    if (reason == ENOENT) {
      return {};
    }
    first = false;
  }
}

}  // namespace tpx::reader
