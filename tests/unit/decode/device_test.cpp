#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

namespace {
std::uint64_t device(std::uint64_t major, std::uint64_t minor) {
  return major << 20U | minor;
}
}  // namespace

TEST_CASE("device names a block device by the kernel's own encoding") {
  const test::Tree tree;
  tree.file("/sys/dev/block/254:16/uevent", "MAJOR=254\nMINOR=16\nDEVNAME=vdb\nDEVTYPE=disk\n");
  tree.file("/sys/dev/block/8:300/uevent", "DEVNAME=sds12\n");
  const auto decoder = test::make("device", tree.environment());
  REQUIRE(decoder->decode(test::integer(device(254, 16), 4)).text == "vdb");
  REQUIRE(decoder->decode(test::integer(device(8, 300), 4)).text == "sds12");
}

TEST_CASE("device falls back to the numbers") {
  const test::Tree tree;
  tree.file("/sys/dev/block/7:0/uevent", "MAJOR=7\n");
  const auto decoder = test::make("device", tree.environment());
  REQUIRE(decoder->decode(test::integer(device(0, 35), 4)).text == "0:35");
  REQUIRE(decoder->decode(test::integer(device(7, 0), 4)).text == "7:0");
  REQUIRE(decoder->decode(test::integer(0, 4)).text == "0:0");
  REQUIRE(decoder->decode(test::negative(-1, 4)).text == "4095:1048575");
}

TEST_CASE("device notices devices that come, go and change their names") {
  const test::Tree tree;
  const auto decoder = test::make("device", tree.environment());
  REQUIRE_FALSE(decoder->stable());
  const auto now = [&] {
    decoder->refresh();
    return decoder->decode(test::integer(device(254, 0), 4)).text;
  };
  REQUIRE(now() == "254:0");
  tree.file("/sys/dev/block/254:0/uevent", "DEVNAME=vda\n");
  REQUIRE(now() == "vda");
  tree.file("/sys/dev/block/254:0/uevent", "DEVNAME=zram0\n");
  REQUIRE(now() == "zram0");
  tree.remove("/sys/dev/block/254:0");
  REQUIRE(now() == "254:0");
}
