#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

namespace {
std::unique_ptr<Decoder> matcher(const std::string& pattern) {
  return test::make(schema::DecoderCall{.name = "match", .pattern = pattern, .names = {}, .field_names = {}});
}
}  // namespace

TEST_CASE("match keeps what matches anywhere, and leaves out the rest") {
  const auto match = matcher("sq");
  REQUIRE(match->decode(input_of("psql")).keep);
  REQUIRE(match->decode(input_of("psql")).text == "psql");
  REQUIRE_FALSE(match->decode(input_of("bash")).keep);
  REQUIRE_FALSE(match->decode(input_of("")).keep);
}

TEST_CASE("match gives the first group") {
  const auto match = matcher("^kworker/([0-9]+):([0-9]+)");
  REQUIRE(match->decode(input_of("kworker/12:1-events")).text == "12");
  REQUIRE(matcher("^a(b)?c")->decode(input_of("ac")).keep);
  REQUIRE(matcher("^a(b)?c")->decode(input_of("ac")).text.empty());
}

TEST_CASE("match takes integers in decimal and bytes in hexadecimal") {
  REQUIRE(matcher("^-4[0-9]")->decode(test::negative(-42, 4)).text == "-42");
  REQUIRE(matcher("^(00)ff")->decode(test::bytes({0, 255})).text == "00");
}

TEST_CASE("match gives valid UTF-8 of a group that cuts a character") {
  const std::string text = matcher("^a(.)")->decode(input_of("a\xc3\xa4")).text;
  REQUIRE((text == "\xef\xbf\xbd" || text == "\xc3\xa4"));
}

TEST_CASE("match reports its patterns through its signature") {
  for (const schema::DecoderSignature& signature : signatures()) {
    if (signature.name == "match") {
      REQUIRE(signature.check_pattern("^(a|b)+$"));
      REQUIRE_FALSE(signature.check_pattern("(a"));
    } else {
      REQUIRE(signature.check_pattern == nullptr);
    }
  }
}
