#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("signal names the standard and the realtime signals") {
  const auto decoder = test::make("signal");
  REQUIRE(decoder->decode(test::integer(9)).text == "SIGKILL");
  REQUIRE(decoder->decode(test::negative(17, 4)).text == "SIGCHLD");
  REQUIRE(decoder->decode(test::integer(31)).text == "SIGSYS");
  REQUIRE(decoder->decode(test::integer(32)).text == "SIG32");
  REQUIRE(decoder->decode(test::integer(34)).text == "SIGRTMIN");
  REQUIRE(decoder->decode(test::integer(35)).text == "SIGRTMIN+1");
  REQUIRE(decoder->decode(test::integer(64)).text == "SIGRTMIN+30");
}

TEST_CASE("signal puts what is none into one series") {
  const auto decoder = test::make("signal");
  REQUIRE(decoder->decode(test::integer(0)).text == "none");
  REQUIRE(decoder->decode(test::integer(65)).text == "unknown");
  REQUIRE(decoder->decode(test::negative(-1)).text == "unknown");
}
