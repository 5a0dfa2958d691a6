#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

namespace {
constexpr std::string_view kSymbols =
    "0000000000001000 A fixed_percpu_data\n"
    "ffffffff81000000 T _stext\n"
    "ffffffff81000000 T _text\n"
    "ffffffff81000100 t do_one\n"
    "ffffffff81000200 D some_data\n"
    "ffffffff81000300 T schedule\n"
    "ffffffffc0001000 t module_work\t[mod]\n";
}

TEST_CASE("ksym names the function that holds an address") {
  const test::Tree tree;
  tree.file("/proc/kallsyms", kSymbols);
  const auto ksym = test::make("ksym", tree.environment());
  REQUIRE(ksym->decode(test::integer(0xffffffff81000300)).text == "schedule");
  REQUIRE(ksym->decode(test::integer(0xffffffff81000342)).text == "schedule");
  REQUIRE(ksym->decode(test::integer(0xffffffff810002ff)).text == "do_one");
  REQUIRE(ksym->decode(test::integer(0xffffffffc0001001)).text == "module_work");
  REQUIRE(ksym->decode(test::integer(0xffffffff81000000)).text == "_stext");
}

TEST_CASE("ksym gives addresses outside of functions in hexadecimal") {
  const test::Tree tree;
  tree.file("/proc/kallsyms", kSymbols);
  const auto ksym = test::make("ksym", tree.environment());
  REQUIRE(ksym->decode(test::integer(0x1001)).text == "0x1001");
  REQUIRE(ksym->decode(test::integer(0xffff888000001000)).text == "0xffff888000001000");
  REQUIRE(ksym->decode(test::integer(0xffffffff91000000)).text == "0xffffffff91000000");
  REQUIRE(ksym->decode(test::integer(0)).text == "0x0");
}

TEST_CASE("ksym reads addresses that the kernel hides in hexadecimal") {
  const test::Tree tree;
  tree.file("/proc/kallsyms", "0000000000000000 T _stext\n0000000000000000 T schedule\n");
  const auto ksym = test::make("ksym", tree.environment());
  REQUIRE(ksym->decode(test::integer(0xffffffff81000300)).text == "0xffffffff81000300");
  REQUIRE(test::make("ksym", test::Tree().environment())->decode(test::integer(16)).text == "0x10");
}

TEST_CASE("ksym notices a module that was loaded") {
  const test::Tree tree;
  tree.file("/proc/kallsyms", kSymbols);
  tree.file("/proc/modules", "mod 1 0 - Live 0x0\n");
  const auto ksym = test::make("ksym", tree.environment());
  REQUIRE(ksym->decode(test::integer(0xffffffffc0201000)).text == "0xffffffffc0201000");
  tree.file("/proc/kallsyms", std::string(kSymbols) + "ffffffffc0201000 t late\t[other]\n");
  ksym->refresh();
  REQUIRE(ksym->decode(test::integer(0xffffffffc0201000)).text == "0xffffffffc0201000");
  tree.file("/proc/modules", "other 1 0 - Live 0x0\nmod 1 0 - Live 0x0\n");
  ksym->refresh();
  REQUIRE(ksym->decode(test::integer(0xffffffffc0201000)).text == "late");
}

TEST_CASE("ksym reads lines that straddle its buffer") {
  const test::Tree tree;
  std::string text;
  for (unsigned i = 0; i < 5000; ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "%016llx t function_%u\n", 0xffffffff81000000ULL + i * 16ULL, i);
    text += line;
  }
  tree.file("/proc/kallsyms", text);
  const auto ksym = test::make("ksym", tree.environment());
  for (unsigned i = 0; i < 5000; ++i) {
    REQUIRE(ksym->decode(test::integer(0xffffffff81000000ULL + i * 16ULL + 3)).text == "function_" + std::to_string(i));
  }
}
