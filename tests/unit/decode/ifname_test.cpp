#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("ifname names interfaces by their index") {
  const test::Tree tree;
  tree.file("/sys/class/net/lo/ifindex", "1\n");
  tree.file("/sys/class/net/eth0/ifindex", "2\n");
  tree.file("/sys/class/net/bonding_masters", "\n");
  const auto decoder = test::make("ifname", tree.environment());
  REQUIRE(decoder->decode(test::integer(1, 4)).text == "lo");
  REQUIRE(decoder->decode(test::negative(2, 4)).text == "eth0");
  REQUIRE(decoder->decode(test::integer(3, 4)).text == "3");
  REQUIRE(decoder->decode(test::negative(-1, 4)).text == "-1");
}

TEST_CASE("ifname notices new, renamed, replaced and removed interfaces") {
  const test::Tree tree;
  tree.file("/sys/class/net/eth0/ifindex", "2\n");
  const auto decoder = test::make("ifname", tree.environment());
  REQUIRE_FALSE(decoder->stable());
  const auto now = [&](std::uint64_t index) {
    decoder->refresh();
    return decoder->decode(test::integer(index, 4)).text;
  };
  REQUIRE(now(2) == "eth0");
  std::filesystem::rename(tree.path("/sys/class/net/eth0"), tree.path("/sys/class/net/uplink"));
  REQUIRE(now(2) == "uplink");
  tree.file("/sys/class/net/veth1/ifindex", "3\n");
  REQUIRE(now(3) == "veth1");
  tree.file("/sys/class/net/uplink/ifindex", "4\n");
  REQUIRE(now(2) == "2");
  REQUIRE(now(4) == "uplink");
  tree.remove("/sys/class/net/veth1");
  REQUIRE(now(3) == "3");
}

TEST_CASE("ifname without sysfs gives the index") {
  REQUIRE(test::make("ifname", test::Tree().environment())->decode(test::integer(2)).text == "2");
}
