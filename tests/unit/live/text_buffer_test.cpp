#include "live/text_buffer.h"

#include <array>

#include "catch.h"

using namespace tpx;

namespace {

std::string json(std::string_view text) {
  std::string out;
  live::append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("JSON strings are escaped and valid UTF-8") {
  REQUIRE(json("plain") == "\"plain\"");
  REQUIRE(json("a\"b\\c") == R"("a\"b\\c")");
  REQUIRE(json("line\nend\x1b") == R"("line\u000aend\u001b")");
  REQUIRE(json("gr\xc3\xbc\xc3\x9f") == "\"gr\xc3\xbc\xc3\x9f\"");
  REQUIRE(json("bad\xff") == "\"bad\xef\xbf\xbd\"");
}

TEST_CASE("integers are written by their sign") {
  std::string out;
  live::append_integer(out, static_cast<std::uint64_t>(-1), true);
  out += ' ';
  live::append_integer(out, static_cast<std::uint64_t>(-1), false);
  out += ' ';
  live::append_padded(out, 7, 3, '0');
  out += ' ';
  live::append_padded(out, 1234, 3, '0');
  out += ' ';
  live::append_hex(out, 0x2a);
  REQUIRE(out == "-1 18446744073709551615 007 1234 0x2a");
}

TEST_CASE("bytes are written in hex") {
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0xab}, std::byte{0xff}};
  std::string out;
  live::append_hex_bytes(out, bytes);
  REQUIRE(out == "00abff");
}

TEST_CASE("only failed system calls have an error's name") {
  REQUIRE(std::string(live::error_name(static_cast<std::uint64_t>(-2))) == "ENOENT");
  REQUIRE(live::error_name(2) == nullptr);
  REQUIRE(live::error_name(0) == nullptr);
  REQUIRE(live::error_name(static_cast<std::uint64_t>(-5000)) == nullptr);
}

TEST_CASE("a result has the name of its error, also of one that stays inside the kernel") {
  const auto name = [](std::int64_t result) {
    const char* found = live::error_name(static_cast<std::uint64_t>(result));
    return std::string(found == nullptr ? "" : found);
  };
  CHECK(name(-2) == "ENOENT");
  CHECK(name(-512) == "ERESTARTSYS");
  CHECK(name(-531) == "ENOGRACE");
  CHECK(name(-4095).empty());
  CHECK(name(-4096).empty());
  CHECK(name(0).empty());
  CHECK(name(2).empty());
}
