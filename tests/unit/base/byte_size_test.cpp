#include "base/byte_size.h"

#include "catch.h"

namespace tpx {
namespace {

TEST_CASE("numbers of bytes are read with their units") {
  CHECK(parse_byte_size("0") == 0U);
  CHECK(parse_byte_size("4096") == 4096U);
  CHECK(parse_byte_size("3KiB") == 3072U);
  CHECK(parse_byte_size("64 MiB") == 64ULL << 20U);
  CHECK(parse_byte_size("2GiB") == 2ULL << 30U);
  for (const char* wrong :
       {"", "MiB", "-1", "1.5GiB", "64MB", "64 mib", "64  MiB", "99999999999999999999", "17179869184GiB"}) {
    INFO(wrong);
    CHECK_FALSE(parse_byte_size(wrong));
  }
}

TEST_CASE("numbers of bytes are written in KiB, and in MiB from 10 on") {
  CHECK(byte_size_text(1) == "1 KiB");
  CHECK(byte_size_text(640 << 10U) == "640 KiB");
  CHECK(byte_size_text((10ULL << 20U) - 1) == "10240 KiB");
  CHECK(byte_size_text(64ULL << 20U) == "64 MiB");
}

}  // namespace
}  // namespace tpx
