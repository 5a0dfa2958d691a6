#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

namespace {
schema::DecoderCall call() {
  auto names = std::make_shared<kernel::FieldNames>();
  names->symbols = {{0, "HI"}, {1, "TIMER"}, {0xffffffffffffffff, "ANY"}, {0xfffffffe, "AUTO"}, {9, "a\xff"}};
  return {.name = "symbol", .pattern = {}, .names = {}, .field_names = names};
}
}  // namespace

TEST_CASE("symbol names the values that the print format names") {
  const auto symbol = test::make(call());
  REQUIRE(symbol->decode(test::integer(0)).text == "HI");
  REQUIRE(symbol->decode(test::integer(1, 4)).text == "TIMER");
}

TEST_CASE("symbol finds negative values however the format wrote them") {
  const auto symbol = test::make(call());
  REQUIRE(symbol->decode(test::negative(-1, 4)).text == "ANY");
  REQUIRE(symbol->decode(test::negative(-2, 4)).text == "AUTO");
}

TEST_CASE("symbol gives other values in decimal, by their sign") {
  const auto symbol = test::make(call());
  REQUIRE(symbol->decode(test::integer(7)).text == "7");
  REQUIRE(symbol->decode(test::negative(-7, 4)).text == "-7");
  REQUIRE(test::make("symbol")->decode(test::integer(3)).text == "3");
}

TEST_CASE("symbol gives valid UTF-8 even of a format that is not") {
  REQUIRE(test::make(call())->decode(test::integer(9)).text == "a\xef\xbf\xbd");
}
