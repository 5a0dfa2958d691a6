#include <algorithm>

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("ip reads 4 and 16 bytes") {
  const auto ip = test::make("ip");
  REQUIRE(ip->decode(test::bytes({192, 168, 0, 1})).text == "192.168.0.1");
  REQUIRE(ip->decode(test::bytes({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})).text == "2001:db8::1");
  REQUIRE(ip->decode(test::bytes(std::vector<unsigned char>(16, 0))).text == "::");
}

TEST_CASE("ip reads an integer as it lies in memory") {
  const std::vector<unsigned char> memory{10, 1, 2, 3};
  std::uint32_t value = 0;
  std::memcpy(&value, memory.data(), 4);
  const auto ip = test::make("ip");
  REQUIRE(ip->decode(test::integer(value, 4)).text == "10.1.2.3");
  REQUIRE(ip->decode(test::integer(value, 8)).text == "10.1.2.3");
  REQUIRE(ip->decode(test::negative(static_cast<std::int32_t>(0xffffffff), 4)).text == "255.255.255.255");
  REQUIRE(ip->decode(test::integer(0x100000000)).text == "4294967296");
}

TEST_CASE("ip shows a mapped address as IPv4") {
  REQUIRE(test::make("ip")->decode(test::bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 9})).text ==
          "10.0.0.9");
}

TEST_CASE("ip reads socket addresses of both families") {
  std::vector<unsigned char> socket_address(28, 0);
  socket_address[0] = 2;
  socket_address[2] = 0x1f;
  const std::vector<unsigned char> v4{127, 0, 0, 2};
  std::copy(v4.begin(), v4.end(), socket_address.begin() + 4);
  const auto ip = test::make("ip");
  REQUIRE(ip->decode(test::bytes(socket_address)).text == "127.0.0.2");
  socket_address.assign(28, 0);
  socket_address[0] = 10;
  socket_address[23] = 1;
  REQUIRE(ip->decode(test::bytes(socket_address)).text == "::1");
  socket_address[0] = 99;
  REQUIRE(ip->decode(test::bytes(socket_address)).text.size() == 56);
}

TEST_CASE("ip names what is no internet address where it knows the family alone") {
  const auto ip = test::make("ip");
  const auto text = [&](unsigned family) {
    std::vector<unsigned char> socket_address(28, 0);
    socket_address[0] = static_cast<unsigned char>(family);
    socket_address[1] = static_cast<unsigned char>(family >> 8U);
    return ip->decode(test::bytes(socket_address)).text;
  };
  REQUIRE(text(0) == "none");
  REQUIRE(text(1) == "unix");
  REQUIRE(text(2) == "0.0.0.0");
  REQUIRE(text(10) == "::");
  REQUIRE(text(16) == "netlink");
  REQUIRE(text(17) == "packet");
  REQUIRE(text(40) == "family_40");
  REQUIRE(text(0xffff) == "<fault>");
}

TEST_CASE("ip leaves other sizes as bytes") {
  REQUIRE(test::make("ip")->decode(test::bytes({1, 2, 3})).text == "010203");
}
