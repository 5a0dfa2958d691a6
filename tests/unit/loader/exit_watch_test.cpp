#include "loader/exit_watch.h"

#include "catch.h"

namespace tpx::loader {
namespace {

Ids marked(std::uint64_t word, std::uint32_t first, std::uint32_t bits) {
  Ids ids;
  add_marked(ids, word, first, bits);
  return ids;
}

TEST_CASE("a bit marks an id") {
  CHECK(marked(0, 0, 1).empty());
  CHECK(marked(1, 64, 1) == Ids{64});
  CHECK(marked(0x8000000000000005, 128, 1) == Ids{128, 130, 191});
}

TEST_CASE("a byte marks an id where the kernel has no atomic OR") {
  CHECK(marked(0x0100000000000001, 8, 8) == Ids{8, 15});
  CHECK(marked(0x0001010000000000, 16, 8) == Ids{21, 22});
}

}  // namespace
}  // namespace tpx::loader
