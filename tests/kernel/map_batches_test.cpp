// All elements of a BPF hash map are read in batches, whatever their number and size.
#include "reader/map_batches.h"

#include <bpf/bpf.h>

#include <cstring>
#include <set>

#include "base/unique_fd.h"
#include "catch.h"

namespace tpx::test {
namespace {

TEST_CASE("every element of a hash map is read once, in one batch or in many", "[kernel][reader]") {
  struct Case {
    std::uint32_t elements;
    std::uint32_t value_size;
  };
  reader::MapBatches batches;
  for (const auto& [elements, value_size] :
       {Case{0, 8}, Case{1, 8}, Case{10'000, 8}, Case{700, 4096}, Case{5000, 12}}) {
    INFO(elements << " elements of " << value_size << " bytes");
    const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_HASH, "tpx_batches", 4, value_size, elements + 1, nullptr));
    REQUIRE(map.valid());
    std::vector<std::byte> value(value_size);
    for (std::uint32_t key = 0; key < elements; ++key) {
      std::memcpy(value.data(), &key, sizeof key);
      REQUIRE(bpf_map_update_elem(map.get(), &key, value.data(), BPF_NOEXIST) == 0);
    }
    std::set<std::uint32_t> seen;
    const auto read =
        batches.read(map.get(), "the map", 4, value_size, elements + 1,
                     [&](const std::byte* keys, const std::uint64_t* values, std::size_t count) {
                       for (std::size_t i = 0; i < count; ++i) {
                         std::uint32_t key = 0;
                         std::uint32_t first = 0;
                         std::memcpy(&key, keys + 4 * i, sizeof key);
                         std::memcpy(&first, reinterpret_cast<const std::byte*>(values) + i * value_size, sizeof first);
                         CHECK(key == first);
                         CHECK(seen.insert(key).second);
                       }
                     });
    CHECK(read.has_value());
    CHECK(seen.size() == elements);
  }
}

TEST_CASE("what is no map is an error that names it", "[kernel][reader]") {
  reader::MapBatches batches;
  const auto read = batches.read(-1, "the map of x_total", 4, 8, 1, [](const auto*, const auto*, std::size_t) {});
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().message.starts_with("can't read the map of x_total"));
}

}  // namespace
}  // namespace tpx::test
