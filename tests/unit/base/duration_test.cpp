#include "base/duration.h"

#include "catch.h"

namespace tpx {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("durations are written as Prometheus writes them") {
  CHECK(parse_duration("0") == seconds(0));
  CHECK(parse_duration("0s") == seconds(0));
  CHECK(parse_duration("5s") == seconds(5));
  CHECK(parse_duration("500ms") == milliseconds(500));
  CHECK(parse_duration("1m30s") == seconds(90));
  CHECK(parse_duration("1d2h3m4s5ms") == seconds(93784) + milliseconds(5));
  CHECK(parse_duration("106751d") == std::chrono::hours(24) * 106751);
}

TEST_CASE("what is no duration, or too long a one, is refused") {
  for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", "1.5s", "5x", "5s5s", "5s1m", "5ss", "ms", "106752d",
                           "99999999999999999999s", "1y"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

}  // namespace
}  // namespace tpx
