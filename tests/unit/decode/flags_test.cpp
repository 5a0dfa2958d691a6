#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

namespace {
schema::DecoderCall call(std::vector<std::pair<std::uint64_t, std::string>> flags,
                         std::map<std::uint64_t, std::string> symbols = {}) {
  auto names = std::make_shared<kernel::FieldNames>();
  names->flags = std::move(flags);
  names->symbols = std::move(symbols);
  return {.name = "flags", .pattern = {}, .names = {}, .field_names = names};
}
}  // namespace

TEST_CASE("flags joins the names of the bits in the order of the format") {
  const auto flags = test::make(call({{4, "C"}, {1, "A"}, {2, "B"}}));
  REQUIRE(flags->decode(test::integer(1)).text == "A");
  REQUIRE(flags->decode(test::integer(7)).text == "C|A|B");
}

TEST_CASE("flags takes a mask of several bits only when all are set, and each bit once") {
  const auto flags = test::make(call({{3, "BOTH"}, {1, "A"}, {2, "B"}}));
  REQUIRE(flags->decode(test::integer(3)).text == "BOTH");
  REQUIRE(flags->decode(test::integer(2)).text == "B");
}

TEST_CASE("flags gives bits without a name in hexadecimal") {
  const auto flags = test::make(call({{1, "A"}}));
  REQUIRE(flags->decode(test::integer(0x11)).text == "A|0x10");
  REQUIRE(flags->decode(test::integer(0x30)).text == "0x30");
  REQUIRE(flags->decode(test::negative(-1, 4)).text == "A|0xfffffffe");
}

TEST_CASE("flags says something of no bits") {
  REQUIRE(test::make(call({{1, "A"}}))->decode(test::integer(0)).text == "none");
  REQUIRE(test::make(call({{1, "A"}}, {{0, "R"}}))->decode(test::integer(0)).text == "R");
  REQUIRE(test::make(call({{0, "zero"}, {1, "A"}}))->decode(test::integer(0)).text == "zero");
  REQUIRE(test::make(call({{0, "zero"}, {1, "A"}}))->decode(test::integer(1)).text == "A");
}
