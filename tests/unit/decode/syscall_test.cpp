#include <sys/syscall.h>

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("syscall names calls by the numbers of this architecture") {
  const auto syscall = test::make("syscall");
  REQUIRE(syscall->decode(test::negative(SYS_openat)).text == "openat");
  REQUIRE(syscall->decode(test::integer(SYS_read, 4)).text == "read");
}

TEST_CASE("syscall gives a number to calls newer than the build, and one series to what is no call") {
  const auto syscall = test::make("syscall");
  REQUIRE(syscall->decode(test::integer(1000)).text == "syscall_1000");
  REQUIRE(syscall->decode(test::negative(-1)).text == "unknown");
  REQUIRE(syscall->decode(test::negative(-1, 4)).text == "unknown");
  REQUIRE(syscall->decode(test::integer(123456)).text == "unknown");
}
