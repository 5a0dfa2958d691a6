#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

TEST_CASE("map gives the configured names, and other values in decimal") {
  const auto map =
      test::make(schema::DecoderCall{.name = "map",
                                     .pattern = {},
                                     .names = {{1, "read"}, {2, "write"}, {static_cast<std::uint64_t>(-1), "any"}},
                                     .field_names = {}});
  REQUIRE(map->decode(test::integer(1)).text == "read");
  REQUIRE(map->decode(test::integer(2, 1)).text == "write");
  REQUIRE(map->decode(test::negative(-1, 4)).text == "any");
  REQUIRE(map->decode(test::integer(3)).text == "3");
  REQUIRE(map->decode(test::negative(-3)).text == "-3");
}

TEST_CASE("map finds a negative value that is written as the field holds it") {
  const auto map =
      test::make(schema::DecoderCall{.name = "map", .pattern = {}, .names = {{0xffffffff, "all"}}, .field_names = {}});
  REQUIRE(map->decode(test::negative(-1, 4)).text == "all");
}
