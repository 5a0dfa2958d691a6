#include "catch.h"
#include "expression/ast.h"

using namespace tpx;
using namespace tpx::expression;

namespace {

const SourceLocation kAt{"c.yaml", 3, 10};

std::string reprinted(std::string_view text) {
  const auto tree = parse(text, kAt);
  return tree ? to_text(**tree) : "error: " + tree.error().message;
}

struct Refusal {
  std::string_view text;
  std::uint32_t offset;
  std::string_view message;  // a part of it
  std::string_view hint;     // a part of it
};

}  // namespace

TEST_CASE("values parse") {
  CHECK(reprinted("42") == "42");
  CHECK(reprinted("0") == "0");
  CHECK(reprinted("0x2a") == "42");
  CHECK(reprinted("0XFF_FF") == "65535");
  CHECK(reprinted("1_000") == "1000");
  CHECK(reprinted("18446744073709551615") == "18446744073709551615");
  CHECK(reprinted("0xffffffffffffffff") == "18446744073709551615");
  CHECK(reprinted(R"("a\"b\\c\n\t\x41\x01")") == R"("a\"b\\c\n\tA\x01")");
  CHECK(reprinted("\"Gr\xC3\xBC\xC3\x9F\"") == "\"Gr\xC3\xBC\xC3\x9F\"");
  CHECK(reprinted("\"\"") == "\"\"");
  CHECK(reprinted("args.flags") == "args.flags");
  CHECK(reprinted("args.args[3]") == "args.args[3]");
  CHECK(reprinted("args . x [ 1 ]") == "args.x[1]");
  CHECK(reprinted("args.next->cgroups->dfl_cgrp->kn->id") == "args.next->cgroups->dfl_cgrp->kn->id");
  CHECK(reprinted("args.a.b[pid].c") == "args.a.b[pid].c");
  CHECK(reprinted("from.args.id") == "from.args.id");
  CHECK(reprinted("from.comm") == "from.comm");
  CHECK(reprinted("key.dev") == "key.dev");
  CHECK(reprinted("value.bytes[2]") == "value.bytes[2]");
  CHECK(reprinted("key") == "key");
  CHECK(reprinted(" \t( pid )\n") == "pid");
  for (const std::string& name : builtin_names()) {
    CHECK(reprinted(name) == name);
  }
}

TEST_CASE("roots and references are what they say") {
  const auto argument = std::get<Argument>(parse("from.args.id", kAt).value()->value);
  CHECK(argument.from);
  CHECK(argument.name == "id");
  CHECK(argument.root == Argument::Root::Args);
  CHECK(std::get<Argument>(parse("key.a", kAt).value()->value).root == Argument::Root::Key);
  CHECK(std::get<Argument>(parse("value.a", kAt).value()->value).root == Argument::Root::Value);
  const auto builtin = std::get<BuiltinRef>(parse("from.nsecs", kAt).value()->value);
  CHECK(builtin.from);
  CHECK(builtin.builtin == Builtin::Nsecs);
  CHECK(std::get<Member>(parse("args.a->b", kAt).value()->value).arrow);
  CHECK_FALSE(std::get<Member>(parse("args.a.b", kAt).value()->value).arrow);
}

TEST_CASE("precedence is C's") {
  CHECK(reprinted("1+2*3") == "(1 + (2 * 3))");
  CHECK(reprinted("1*2+3") == "((1 * 2) + 3)");
  CHECK(reprinted("1-2-3") == "((1 - 2) - 3)");
  CHECK(reprinted("8/4/2%3") == "(((8 / 4) / 2) % 3)");
  CHECK(reprinted("1<<2+3") == "(1 << (2 + 3))");
  CHECK(reprinted("1<2<<3") == "(1 < (2 << 3))");
  CHECK(reprinted("1>>2>>3") == "((1 >> 2) >> 3)");
  CHECK(reprinted("pid&1==0") == "(pid & (1 == 0))");
  CHECK(reprinted("1==2<3") == "(1 == (2 < 3))");
  CHECK(reprinted("1==2!=3") == "((1 == 2) != 3)");
  CHECK(reprinted("1|2^3&4") == "(1 | (2 ^ (3 & 4)))");
  CHECK(reprinted("1&2|3^4") == "((1 & 2) | (3 ^ 4))");
  CHECK(reprinted("1||2&&3|4") == "(1 || (2 && (3 | 4)))");
  CHECK(reprinted("1&&2||3&&4") == "((1 && 2) || (3 && 4))");
  CHECK(reprinted("1<2<3") == "((1 < 2) < 3)");
  CHECK(reprinted("pid>=1&&pid<=2") == "((pid >= 1) && (pid <= 2))");
  CHECK(reprinted("(1+2)*3") == "((1 + 2) * 3)");
}

TEST_CASE("unary operators bind tighter than binary ones and looser than postfix") {
  CHECK(reprinted("-1") == "-1");
  CHECK(reprinted("- -1") == "--1");
  CHECK(reprinted("--1") == "--1");
  CHECK(reprinted("!~-pid") == "!~-pid");
  CHECK(reprinted("-1*2") == "(-1 * 2)");
  CHECK(reprinted("-args.a->b") == "-args.a->b");
  CHECK(reprinted("(-args.a)->b") == "(-args.a)->b");
  CHECK(reprinted("!args.a==0") == "(!args.a == 0)");
  CHECK(reprinted("1--1") == "(1 - -1)");
  CHECK(reprinted("args.ret < 0 && args.ret > -4096") == "((args.ret < 0) && (args.ret > -4096))");
}

TEST_CASE("calls take values, then names") {
  CHECK(reprinted("syscall(args.id)") == "syscall(args.id)");
  CHECK(reprinted("str(args.filename, 64)") == "str(args.filename, 64)");
  CHECK(reprinted("if(pid == 1, \"init\", comm)") == "if((pid == 1), \"init\", comm)");
  CHECK(reprinted("f()") == "f()");
  CHECK(reprinted("f(g(1), -2)") == "f(g(1), -2)");
  CHECK(reprinted("f(x)") == "error: unknown name \"x\"");
  CHECK(reprinted(R"(map(args.rw, 1="read", 0x2="write", -1 = "none"))") ==
        R"(map(args.rw, 1="read", 2="write", -1="none"))");
  const auto call = std::get<Call>(parse(R"(map(pid, -1="x", 7="y"))", kAt).value()->value);
  REQUIRE(call.names.size() == 2);
  CHECK(call.names[0].value == ~std::uint64_t{0});
  CHECK(call.names[1].name == "y");
  CHECK(reprinted(R"(map(pid, -9223372036854775808="lowest"))") == R"(map(pid, -9223372036854775808="lowest"))");
}

TEST_CASE("errors name the place, the problem and the way out") {
  const Refusal refusals[] = {
      {"", 0, "empty", ""},
      {"   ", 0, "empty", ""},
      {"args->x", 4, "args is no pointer", "write args.x"},
      {"from.args->x", 9, "args is no pointer", "write from.args.x"},
      {"arg.x", 0, "unknown name \"arg\"", "write args.x"},
      {"arg->x", 0, "unknown name \"arg\"", "write args.x"},
      {"ards.x", 0, "unknown name \"ards\"", "did you mean \"args\"?"},
      {"args", 4, "args needs a field", "args.NAME"},
      {"args.", 5, "expected a field name but found the end", ""},
      {"args.1", 5, "expected a field name but found 1", ""},
      {"com", 0, "unknown name \"com\"", "did you mean \"comm\"?"},
      {"filename", 0, "unknown name \"filename\"", "args.filename"},
      {"pdi", 0, "unknown name \"pdi\"", "did you mean \"pid\"?"},
      {"pid = 1", 4, "no assignment", "=="},
      {"(pid = 1)", 5, "no assignment", "=="},
      {"= 1", 0, "expected a value", "=="},
      {"pid === 1", 6, "expected a value", "=="},
      {"comm == 'x'", 8, "unexpected '", "double quotes"},
      {"pid == 1 and tid == 2", 9, "unexpected and", "&&"},
      {"pid == 1 or tid == 2", 9, "unexpected or", "||"},
      {"f(pid or tid)", 6, "unexpected or", "||"},
      {"not pid", 0, "unknown name \"not\"", "write !"},
      {"not(pid)", 0, "unknown name \"not\"", "write !"},
      {"pid ? 1 : 2", 4, "no ?:", "if(condition, a, b)"},
      {"true", 0, "unknown name", "write 1"},
      {"to.args.x", 0, "unknown name \"to\"", "second event"},
      {"from.args", 9, "args needs a field", ""},
      {"from", 4, "expected . after from", "from.args.NAME"},
      {"from.id", 5, "from has no id", "from.args.id"},
      {"from.key", 5, "from has no key", ""},
      {"$1", 0, "unexpected $", "args.NAME"},
      {"017", 0, "starts with 0", "write 17, or 15 if it is octal"},
      {"00", 0, "starts with 0", "write 0"},
      {"09", 0, "starts with 0", "write 9"},
      {"18446744073709551616", 0, "does not fit in 64 bits", ""},
      {"0x1ffffffffffffffff", 0, "does not fit in 64 bits", ""},
      {"1__0", 0, "malformed number 1__0", "1_000"},
      {"1_", 0, "malformed number", ""},
      {"0x", 0, "malformed number", ""},
      {"0x_1", 0, "malformed number", ""},
      {"10ms", 0, "malformed number 10ms", ""},
      {"1.5", 0, "integers only", "scale"},
      {"\"abc", 0, "no closing \"", ""},
      {"\"abc\\\"", 0, "no closing \"", ""},
      {"\"a\\q\"", 2, "unknown escape", "\\xNN"},
      {"\"\\x4\"", 1, "two hexadecimal digits", ""},
      {"\"\\x00\"", 1, "NUL", ""},
      {"\"a\\", 2, "unknown escape", ""},
      {"(pid", 4, "expected ) but found the end", ""},
      {"pid)", 3, "unexpected )", ""},
      {"pid tid", 4, "expected an operator but found tid", ""},
      {"pid +", 5, "expected a value but found the end", ""},
      {"+1", 0, "expected a value but found +", ""},
      {"args.x[1", 8, "expected ]", ""},
      {"args.x[]", 7, "expected a value but found ]", ""},
      {"f(1,)", 4, "expected a value but found )", ""},
      {"f(1", 3, "expected )", ""},
      {"args.f(1)", 6, "only functions can be called", ""},
      {"f(1)(2)", 4, "only functions can be called", ""},
      {"map(pid, 1=2)", 11, "expected a string", ""},
      {"map(pid, 1=\"a\", 1=\"b\")", 16, "1 is named twice", ""},
      {"map(pid, *=\"a\")", 9, "a name for all other values before the first name", "*=\"other\""},
      {"map(pid, 1=\"a\", *=2)", 18, "expected a string", ""},
      {"map(pid, 1=\"a\", *=\"b\", 2=\"c\")", 21, "a name after the one of all other values", "last"},
      {"map(1=\"a\", pid)", 11, "a value after names", "map(value, 1=\"name\")"},
      {"map(pid, pid=\"a\")", 9, "map() needs an integer before \"=\", not pid", "1=\"name\""},
      {"map(pid, -9223372036854775809=\"a\")", 9, "does not fit", ""},
      {"pid @ 1", 4, "unexpected @", ""},
      {"pid == \xC3\xBC", 7, "not ASCII", ""},
      {"pid\x01", 3, "control character", ""},
  };
  for (const Refusal& refusal : refusals) {
    INFO(refusal.text);
    const auto tree = parse(refusal.text, kAt);
    REQUIRE_FALSE(tree);
    const Error& error = tree.error();
    CAPTURE(error.message, error.hint);
    REQUIRE(error.location);
    CHECK(error.location->column == kAt.column + refusal.offset);
    CHECK(error.location->line == kAt.line);
    CHECK(error.location->file == kAt.file);
    CHECK(error.message.find(refusal.message) != std::string::npos);
    CHECK(error.hint.find(refusal.hint) != std::string::npos);
  }
}

TEST_CASE("a NUL byte is refused wherever it stands") {
  CHECK_FALSE(parse(std::string_view("pid\0", 4), kAt));
  CHECK_FALSE(parse(std::string_view("\"a\0\"", 4), kAt));
}

TEST_CASE("depth and length are bounded") {
  const auto chain = [](int terms, const std::string& term, const std::string& op) {
    std::string text = term;
    for (int i = 1; i < terms; ++i) {
      text += op + term;
    }
    return text;
  };
  CHECK(parse(std::string(63, '(') + "1" + std::string(63, ')'), kAt));
  CHECK_FALSE(parse(std::string(65, '(') + "1" + std::string(65, ')'), kAt));
  CHECK(parse(std::string(63, '-') + "1", kAt));
  CHECK_FALSE(parse(std::string(64, '-') + "1", kAt));
  CHECK(parse(chain(64, "pid", "+"), kAt));
  const auto deep = parse(chain(65, "pid", "+"), kAt);
  REQUIRE_FALSE(deep);
  CHECK(deep.error().message.find("64 levels") != std::string::npos);
  CHECK_FALSE(parse("args.a" + chain(65, "", ".b"), kAt));
  CHECK_FALSE(parse("args.a" + chain(65, "", "[0]"), kAt));
  CHECK_FALSE(parse(std::string(2000, '('), kAt));
  CHECK(parse("\"" + std::string(4094, 'x') + "\"", kAt));
  const auto longer = parse("\"" + std::string(4095, 'x') + "\"", kAt);
  REQUIRE_FALSE(longer);
  CHECK(longer.error().message.find("4096 bytes") != std::string::npos);
}

TEST_CASE("what prints also parses at the bound of depth") {
  std::string chain = "pid";
  for (int i = 1; i < 64; ++i) {
    chain += " - pid";
  }
  const auto tree = parse(chain, kAt).value();
  CHECK(same(*parse(to_text(*tree), kAt).value(), *tree));
}

TEST_CASE("nodes know their place") {
  const std::string_view text = "pid + args.x->y";
  const auto tree = parse(text, kAt).value();
  CHECK(tree->begin == 0);
  CHECK(tree->end == text.size());
  const Node& right = *std::get<Binary>(tree->value).right;
  CHECK(text.substr(right.begin, right.end - right.begin) == "args.x->y");
  CHECK(location_of(right, kAt) == SourceLocation{"c.yaml", 3, 16});
}

TEST_CASE("same compares meaning, not places") {
  const auto equal = [](std::string_view a, std::string_view b) {
    return same(*parse(a, kAt).value(), *parse(b, kAt).value());
  };
  CHECK(equal("pid+1", "( pid + 0x1 )"));
  CHECK_FALSE(equal("pid", "from.pid"));
  CHECK_FALSE(equal("pid", "tid"));
  CHECK_FALSE(equal("args.x", "key.x"));
  CHECK_FALSE(equal("args.x", "from.args.x"));
  CHECK_FALSE(equal("args.a.b", "args.a->b"));
  CHECK_FALSE(equal("args.a[0]", "args.a[1]"));
  CHECK_FALSE(equal("1", "\"1\""));
  CHECK_FALSE(equal("-1", "~1"));
  CHECK_FALSE(equal("1+2", "1-2"));
  CHECK_FALSE(equal("f(1)", "g(1)"));
  CHECK_FALSE(equal("f(1)", "f(1, 2)"));
  CHECK_FALSE(equal("f(1, 1=\"a\")", "f(1, 1=\"b\")"));
}
