#include "decode/pattern.h"

#include "catch.h"

using namespace tpx::decode;

TEST_CASE("a pattern that is not valid says why") {
  for (const char* pattern : {"(", "[a", "a{2", "a{3,2}", "[[:nope:]]"}) {
    INFO(pattern);
    const auto checked = check_pattern(pattern);
    REQUIRE_FALSE(checked);
    REQUIRE(checked.error().message.find("is not valid: ") != std::string::npos);
  }
}

TEST_CASE("patterns of other dialects are refused, with what to write") {
  REQUIRE(check_pattern("\\d+").error().hint.find("[0-9]") != std::string::npos);
  REQUIRE_FALSE(check_pattern("(?:a)"));
  REQUIRE_FALSE(check_pattern("(?i)a"));
  REQUIRE_FALSE(check_pattern("[\\d.]+"));
  REQUIRE(check_pattern("\\w+\\.[\\.]"));
}

TEST_CASE("patterns that could take long are refused") {
  REQUIRE_FALSE(check_pattern("(a)\\1"));
  REQUIRE_FALSE(check_pattern("((a{200}){200}){200}"));
  REQUIRE_FALSE(check_pattern("a{100}{100}{100}"));
  REQUIRE_FALSE(check_pattern("(((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)"));
  REQUIRE_FALSE(check_pattern(std::string(2000, 'a')));
  REQUIRE_FALSE(check_pattern(std::string("a\0b", 3)));
}

TEST_CASE("patterns that people write are taken") {
  for (const char* pattern :
       {"", "^(postgres|redis)", "[0-9a-f]{64}", "^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$", "[]a]b", "[^]]",
        "[[:alpha:]]+", "^/kubepods/.*pod([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", "a|b",
        ".*"}) {
    INFO(pattern);
    REQUIRE(check_pattern(pattern));
  }
}

TEST_CASE("a pattern matches within the bounds of the text") {
  const auto pattern = Pattern::compile("b$");
  REQUIRE(pattern);
  const std::string_view text = "abc";
  REQUIRE(pattern->match(text.substr(0, 2)) == "ab");
  REQUIRE_FALSE(pattern->match(text));
  REQUIRE(Pattern::compile("^$")->match(std::string_view()));
}
