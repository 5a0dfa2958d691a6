#include "base/parallel.h"

#include <atomic>
#include <barrier>
#include <vector>

#include "catch.h"

namespace tpx {
namespace {

TEST_CASE("every index is worked on once, whatever the number of threads") {
  for (const std::size_t threads : {0U, 1U, 3U, 16U}) {
    for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
      std::vector<std::atomic<int>> done(count);
      for_each_index(count, threads, [&](std::size_t index) { ++done[index]; });
      for (const auto& times : done) {
        CHECK(times == 1);
      }
    }
  }
}

TEST_CASE("work goes on at once in as many threads as asked for") {
  std::barrier all(4);
  for_each_index(4, 4, [&](std::size_t) { all.arrive_and_wait(); });
  SUCCEED("none waited for ever");
}

}  // namespace
}  // namespace tpx
