#include "base/text.h"

#include "catch.h"

using namespace tpx;
using namespace std::string_literals;

TEST_CASE("glob_match matches the whole text") {
  CHECK(glob_match("sched/sched_switch", "sched/sched_switch"));
  CHECK_FALSE(glob_match("sched/sched_switch", "sched/sched_switch2"));
  CHECK_FALSE(glob_match("sched", "sched/sched_switch"));
  CHECK(glob_match("syscalls/sys_enter_*", "syscalls/sys_enter_openat"));
  CHECK(glob_match("*open*", "syscalls/sys_enter_openat"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK_FALSE(glob_match("?", ""));
  CHECK(glob_match("a?c", "abc"));
  CHECK_FALSE(glob_match("a?c", "ac"));
  CHECK(glob_match("*ab*ab", "abxabab"));
  CHECK(glob_match("a**b", "ab"));
  CHECK_FALSE(glob_match("[a]", "a"));
}

TEST_CASE("glob_match does not explode on many stars") {
  CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("is_glob") {
  CHECK(is_glob("a*"));
  CHECK(is_glob("?"));
  CHECK_FALSE(is_glob("sched/sched_switch"));
  CHECK_FALSE(is_glob(""));
}

TEST_CASE("nearest finds misspellings, nearest first") {
  const std::vector<std::string> names = {"prev_comm", "prev_pid", "next_pid", "flags", "filename"};
  CHECK(nearest("flag", names) == std::vector<std::string>{"flags"});
  CHECK(nearest("perv_pid", names).front() == "prev_pid");
  CHECK(nearest("FLAGS", names) == std::vector<std::string>{"flags"});
  CHECK(nearest("zzzzzz", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest("prev_pid", names, 1) == std::vector<std::string>{"prev_pid"});
  CHECK(nearest("xext_pid", names, 2) == std::vector<std::string>{"next_pid"});
  CHECK(nearest(std::string(100000, 'f'), names).empty());
}

TEST_CASE("a transposition is one edit") {
  const std::vector<std::string> names = {"pid"};
  CHECK(nearest("pdi", names) == names);
  CHECK(nearest("xyd", names).empty());
}

TEST_CASE("did_you_mean reads like a sentence") {
  const std::vector<std::string> names = {"uid", "gid", "comm"};
  CHECK(did_you_mean("com", names) == "did you mean \"comm\"?");
  CHECK(did_you_mean("id", names, 2) == "did you mean \"uid\" or \"gid\"?");
  CHECK(did_you_mean("whatever", names).empty());
}

TEST_CASE("to_utf8 keeps what is well-formed") {
  for (const std::string& text : {""s, "plain"s, "Gr\xC3\xBC\xC3\x9F"s, "\xE2\x82\xAC"s, "\xF0\x9F\x90\xA7"s,
                                  "\xED\x9F\xBF"s, "\xEE\x80\x80"s, "\xF4\x8F\xBF\xBF"s, "a\0b"s}) {
    CHECK(to_utf8(text) == text);
  }
}

TEST_CASE("to_utf8 replaces each maximal subpart once") {
  const std::string r = "\xEF\xBF\xBD";
  CHECK(to_utf8("\xFF") == r);
  CHECK(to_utf8("a\x80z") == "a" + r + "z");
  CHECK(to_utf8("\xC0\x80") == r + r);                  // overlong NUL
  CHECK(to_utf8("\xE0\x80\x80") == r + r + r);          // overlong
  CHECK(to_utf8("\xF0\x8F\xBF\xBF") == r + r + r + r);  // overlong
  CHECK(to_utf8("\xED\xA0\x80") == r + r + r);          // a surrogate
  CHECK(to_utf8("\xF4\x90\x80\x80") == r + r + r + r);  // above U+10FFFF
  CHECK(to_utf8("\xF5\x80\x80\x80") == r + r + r + r);
  CHECK(to_utf8("\xE2\x82") == r);  // cut off at the end
  CHECK(to_utf8("\xE2\x82"
                "A") == r + "A");
  CHECK(to_utf8("\xF0\x9F\x90") == r);
  // The standard's example in section 3.9, table 3-8.
  CHECK(to_utf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64") ==
        "a" + r + r + r + "b" + r + "c" + r + r + "d");
}

TEST_CASE("split") {
  using V = std::vector<std::string_view>;
  CHECK(split("", ',') == V{""});
  CHECK(split("a", ',') == V{"a"});
  CHECK(split("a,,b,", ',') == V{"a", "", "b", ""});
}

TEST_CASE("trim") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim("   ").empty());
  CHECK(trim("").empty());
  CHECK(trim("x") == "x");
}
