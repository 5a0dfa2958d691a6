#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("group reads the names in /etc/group") {
  const test::Tree tree;
  tree.file("/etc/group",
            "root:x:0:0:::\n# a comment\n+nis\nbroken:x:abc:1\nalice:x:1000:\nalias:x:1000:\nlast:x:65534:");
  const auto decoder = test::make("group", tree.environment());
  REQUIRE(decoder->decode(test::integer(0, 4)).text == "root");
  REQUIRE(decoder->decode(test::integer(1000, 4)).text == "alice");
  REQUIRE(decoder->decode(test::negative(65534, 4)).text == "last");
}

TEST_CASE("group gives the number where there is no name") {
  const test::Tree tree;
  const auto decoder = test::make("group", tree.environment());
  REQUIRE(decoder->decode(test::integer(1001, 4)).text == "1001");
  REQUIRE(decoder->decode(test::integer(4294967295, 4)).text == "4294967295");
}

TEST_CASE("group notices that the file has changed, and that it has gone") {
  const test::Tree tree;
  const auto decoder = test::make("group", tree.environment());
  REQUIRE_FALSE(decoder->stable());
  const auto now = [&] {
    decoder->refresh();
    return decoder->decode(test::integer(7, 4)).text;
  };
  REQUIRE(now() == "7");
  tree.file("/etc/group", "seven:x:7:\n");
  REQUIRE(now() == "seven");
  tree.file("/etc/group", "sieben:x:7:\n");
  REQUIRE(now() == "sieben");
  tree.remove("/etc/group");
  REQUIRE(now() == "7");
}
