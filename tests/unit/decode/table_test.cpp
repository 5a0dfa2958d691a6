#include <set>

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx;
using namespace tpx::decode;

TEST_CASE("the table has every decoder of the configuration language") {
  std::set<std::string_view> names;
  for (const schema::DecoderSignature& signature : signatures()) {
    REQUIRE(names.insert(signature.name).second);
  }
  REQUIRE(names == std::set<std::string_view>{"symbol", "flags", "syscall", "errno", "signal", "ksym", "device",
                                              "ifname", "ip", "user", "group", "hex", "cgroup_path", "container", "pod",
                                              "namespace", "map", "match"});
}

TEST_CASE("every decoder is documented in one line, with an example that calls it") {
  for (const schema::DecoderSignature& signature : signatures()) {
    INFO(signature.name);
    REQUIRE(signature.summary.ends_with("."));
    REQUIRE(signature.summary.find('\n') == std::string_view::npos);
    REQUIRE(signature.example.starts_with(std::string(signature.name) + "("));
    REQUIRE(signature.example.ends_with(")"));
  }
}

TEST_CASE("every decoder takes any type of value, and gives no name without its files") {
  const test::Tree tree;
  const std::vector<unsigned char> raw{1, 2, 3, 4, 5};
  for (const Entry& entry : table()) {
    INFO(entry.signature.name);
    const auto decoder = entry.make({}, tree.environment());
    REQUIRE_FALSE(decoder->decode(test::integer(12345)).text.empty());
    REQUIRE(decoder->decode(input_of("text")).text == "text");
    REQUIRE(decoder->decode(test::bytes(raw)).text == "0102030405");
  }
}
