#include "base/hash_index.h"

#include "catch.h"

namespace tpx {
namespace {

TEST_CASE("an index finds what was inserted, also under equal hashes") {
  HashIndex index;
  CHECK(index.find(1, [](std::uint32_t) { return true; }) == HashIndex::kNone);
  index.reset(1000);
  for (std::uint32_t number = 0; number < 1000; ++number) {
    REQUIRE_FALSE(index.full());
    index.insert(number % 10, number);  // everything collides
  }
  for (std::uint32_t number = 0; number < 1000; ++number) {
    REQUIRE(index.find(number % 10, [&](std::uint32_t found) { return found == number; }) == number);
  }
  CHECK(index.find(10, [](std::uint32_t found) { return found > 1000; }) == HashIndex::kNone);
  index.reset(10);
  CHECK(index.used() == 0);
  CHECK(index.find(1, [](std::uint32_t) { return true; }) == HashIndex::kNone);
}

}  // namespace
}  // namespace tpx
