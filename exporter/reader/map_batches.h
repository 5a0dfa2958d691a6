#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tpx::reader {

/// Reads all elements of a hash map by BPF_MAP_LOOKUP_BATCH, about 1 MiB at a time. Keeps its buffers for the next map. For one
/// thread.
class MapBatches {
 public:
  /// `count` elements: their keys one behind the other, and their values, of 8-byte words where the element's size is a
  /// multiple of 8.
  using Take = std::function<void(const std::byte* keys, const std::uint64_t* values, std::size_t count)>;

  /// `element`: bytes of one value, of all CPUs where each has its own. `most`: no more elements than that are in the map.
  /// `name` is for errors.
  [[nodiscard]] Result<void> read(int map, const std::string& name, std::size_t key, std::size_t element,
                                  std::size_t most, const Take& take);

 private:
  std::vector<std::byte> cursor_;
  std::vector<std::byte> keys_;
  std::vector<std::uint64_t> values_;
};

}  // namespace tpx::reader
