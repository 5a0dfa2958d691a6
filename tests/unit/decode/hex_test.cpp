#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("hex writes integers without the extension of their sign") {
  const auto decoder = test::make("hex");
  REQUIRE(decoder->decode(test::integer(0)).text == "0x0");
  REQUIRE(decoder->decode(test::integer(0xdeadbeef, 4)).text == "0xdeadbeef");
  REQUIRE(decoder->decode(test::negative(-1, 1)).text == "0xff");
  REQUIRE(decoder->decode(test::negative(-1, 4)).text == "0xffffffff");
  REQUIRE(decoder->decode(test::negative(-1)).text == "0xffffffffffffffff");
}

TEST_CASE("hex writes bytes as two digits each") {
  REQUIRE(test::make("hex")->decode(test::bytes({0, 1, 0xab})).text == "0001ab");
}
