#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("errno names the error in a return value") {
  const auto decoder = test::make("errno");
  REQUIRE(decoder->decode(test::negative(-2)).text == "ENOENT");
  REQUIRE(decoder->decode(test::negative(-11, 4)).text == "EAGAIN");
  REQUIRE(decoder->decode(test::integer(0xfffffffe, 4)).text == "ENOENT");
  REQUIRE(decoder->decode(test::integer(static_cast<std::uint64_t>(-13))).text == "EACCES");
}

TEST_CASE("errno takes no success for an error") {
  const auto decoder = test::make("errno");
  REQUIRE(decoder->decode(test::negative(0)).text == "ok");
  REQUIRE(decoder->decode(test::negative(2)).text == "ok");
  REQUIRE(decoder->decode(test::negative(-5000)).text == "ok");
  REQUIRE(decoder->decode(test::integer(0)).text == "ok");
  REQUIRE(decoder->decode(test::integer(0x7f0000001000)).text == "ok");
}

TEST_CASE("errno names the error in a field that holds it without a sign") {
  REQUIRE(test::make("errno")->decode(test::integer(2, 4)).text == "ENOENT");
}

TEST_CASE("errno knows the kernel's own errors, and numbers the rest") {
  const auto decoder = test::make("errno");
  REQUIRE(decoder->decode(test::negative(-512)).text == "ERESTARTSYS");
  REQUIRE(decoder->decode(test::negative(-524)).text == "ENOTSUPP");
  REQUIRE(decoder->decode(test::negative(-4000)).text == "errno_4000");
}
