#include "loader/exit_watch.h"

#include <vector>

#include "catch.h"

namespace tpx::loader {
namespace {

using Marks = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

Marks marks_in(std::uint64_t word, std::uint32_t first, std::uint32_t bits) {
  Marks marks;
  for_each_mark(word, first, bits, [&](std::uint32_t id, std::uint32_t mark) { marks.emplace_back(id, mark); });
  return marks;
}

TEST_CASE("two bits mark an id") {
  CHECK(marks_in(0, 0, 2).empty());
  CHECK(marks_in(1, 32, 2) == Marks{{32, 1}});
  CHECK(marks_in(0xc000000000000021, 64, 2) == Marks{{64, 1}, {66, 2}, {95, 3}});
}

TEST_CASE("a byte marks an id where the kernel has no atomic OR") {
  CHECK(marks_in(0x0100000000000002, 8, 8) == Marks{{8, 2}, {15, 1}});
  CHECK(marks_in(0x0001020000000000, 16, 8) == Marks{{21, 2}, {22, 1}});
}

TEST_CASE("an id comes once more after one to two periods and never again") {
  using std::chrono::seconds;
  const ExitEcho::Time start{};
  ExitEcho echo;
  const auto at = [&](seconds when) {
    Ids ids;
    echo.take(start + when, ids);
    return ids;
  };
  CHECK(at(seconds(0)).empty());
  echo.note(7);
  CHECK(echo.contains(7));
  CHECK_FALSE(echo.contains(8));
  CHECK(at(seconds(4)).empty());
  CHECK(at(seconds(5)).empty());
  echo.note(8);
  CHECK(at(seconds(9)).empty());
  CHECK(echo.contains(7));
  CHECK(at(seconds(10)) == Ids{7});
  CHECK_FALSE(echo.contains(7));
  CHECK(at(seconds(15)) == Ids{8});
  CHECK(at(seconds(20)).empty());
}

TEST_CASE("when calls are rare an id comes with the second of them") {
  using std::chrono::minutes;
  const ExitEcho::Time start{};
  ExitEcho echo;
  Ids ids;
  echo.take(start, ids);
  echo.note(7);
  echo.note(9);
  echo.take(start + minutes(1), ids);
  CHECK(ids.empty());
  echo.take(start + minutes(2), ids);
  CHECK(ids == Ids{7, 9});
}

}  // namespace
}  // namespace tpx::loader
