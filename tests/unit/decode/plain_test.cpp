#include "decode/plain.h"

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

namespace {
std::string rendered(const schema::ValueType& type, const std::vector<unsigned char>& bytes) {
  return plain(input_of(type, std::as_bytes(std::span(bytes))));
}
const schema::ValueType kString{schema::ValueType::Kind::String, 4, false};
}  // namespace

TEST_CASE("integers read in decimal by their size and sign") {
  for (const std::uint32_t size : {1U, 2U, 4U, 8U}) {
    const std::vector<unsigned char> ones(size, 0xff);
    REQUIRE(rendered(test::signed_type(size), ones) == "-1");
  }
  REQUIRE(rendered(test::unsigned_type(1), {0xff}) == "255");
  REQUIRE(rendered(test::unsigned_type(2), {0xff, 0xff}) == "65535");
  REQUIRE(rendered(test::unsigned_type(4), {0xff, 0xff, 0xff, 0xff}) == "4294967295");
  REQUIRE(rendered(test::unsigned_type(8), std::vector<unsigned char>(8, 0xff)) == "18446744073709551615");
  REQUIRE(rendered(test::signed_type(1), {0x80}) == "-128");
  REQUIRE(rendered(test::signed_type(4), {0, 0, 0, 0}) == "0");
}

TEST_CASE("strings end at the first NUL, or at their size") {
  REQUIRE(rendered(kString, {'a', 'b', 0, 'x'}) == "ab");
  REQUIRE(rendered(kString, {'a', 'b', 'c', 'd'}) == "abcd");
  REQUIRE(rendered(kString, {'a', 'b', 'c', 'd', 'e'}) == "abcd");
  REQUIRE(rendered(kString, {0, 'b', 'c', 'd'}).empty());
}

TEST_CASE("strings become valid UTF-8") {
  REQUIRE(rendered(kString, {'a', 0xff, 'b', 0}) ==
          "a\xef\xbf\xbd"
          "b");
  REQUIRE(rendered(kString, {0xc3, 0xa4, 0, 0}) == "\xc3\xa4");
}

TEST_CASE("bytes read in hexadecimal") {
  REQUIRE(rendered({schema::ValueType::Kind::Bytes, 3, false}, {0x00, 0x7f, 0xfe}) == "007ffe");
}

TEST_CASE("bytes that are missing read as zero") {
  REQUIRE(rendered(test::unsigned_type(4), {}) == "0");
  REQUIRE(rendered(kString, {'a'}) == "a");
  REQUIRE(rendered({schema::ValueType::Kind::Bytes, 3, false}, {}).empty());
}
