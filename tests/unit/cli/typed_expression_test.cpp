#include "cli/typed_expression.h"

#include "catch.h"

using namespace tpx;
using cli::KnownFields;
using cli::TypedExpression;

namespace {

const KnownFields& switch_fields() {
  static const KnownFields fields{{"prev_comm", "prev_pid", "next_pid", "pid", "value", "args"}, {"delay", "prev_pid"}};
  return fields;
}

std::string written(const std::string& typed) {
  return TypedExpression(typed, switch_fields()).text();
}

}  // namespace

TEST_CASE("a field needs no args. on the command line") {
  REQUIRE(written("prev_comm") == "args.prev_comm");
  REQUIRE(written("prev_pid>0&&next_pid != prev_pid") == "args.prev_pid>0&&args.next_pid != args.prev_pid");
  REQUIRE(written("args.prev_pid == 0x1f") == "args.prev_pid == 0x1f");
  REQUIRE(written("str(prev_comm, 16)") == "str(args.prev_comm, 16)");
  REQUIRE(written("prev_comm.next_pid") == "args.prev_comm.next_pid");
  REQUIRE(written("value + args[0]") == "args.value + args.args[0]");
}

TEST_CASE("builtins, functions and texts are no fields") {
  for (const char* text :
       {"pid == 7", "comm == \"prev_comm\"", "value.ns", "bash", "map(cpu, 1=\"one\")", "com", "'a'"}) {
    REQUIRE(written(text) == text);
  }
}

TEST_CASE("the start of a pair is named by from., or by fields that only it has") {
  REQUIRE(written("from.prev_pid == prev_pid") == "from.args.prev_pid == args.prev_pid");
  REQUIRE(written("from.args.prev_pid + from.pid") == "from.args.prev_pid + from.pid");
  REQUIRE(written("delay") == "from.args.delay");
}

TEST_CASE("a column is that of the typed text") {
  const TypedExpression expression("prev_pid > 0 && next_pit == 1", switch_fields());
  REQUIRE(expression.text() == "args.prev_pid > 0 && args.next_pit == 1");
  REQUIRE(expression.typed_column(1) == 1);
  REQUIRE(expression.typed_column(6) == 1);
  REQUIRE(expression.typed_column(15) == 10);
  REQUIRE(expression.typed_column(22) == 17);  // args. of the second field
  REQUIRE(expression.typed_column(27) == 17);
  REQUIRE(expression.typed_column(36) == 26);
}

TEST_CASE("an error points at what was typed in the option") {
  cli::TypedOptions options(switch_fields());
  REQUIRE(options.add("--by", "prev_pid") == "args.prev_pid");
  REQUIRE(options.add("--by", "1 + next_pit") == "1 + args.next_pit");
  REQUIRE(options.render({"no such field", "did you mean \"next_pid\"?", SourceLocation{"--by", 2, 5}}) ==
          "error: no such field; did you mean \"next_pid\"?\n"
          "  --by 1 + next_pit\n"
          "           ^\n");
  REQUIRE(options.render({"elsewhere", "", SourceLocation{"--filter", 1, 1}}) == "error: elsewhere\n");
}

TEST_CASE("fields are separated by commas outside of calls and texts") {
  using Pieces = std::vector<std::string>;
  REQUIRE(cli::split_expressions("a, str(b, 8),c") == Pieces{"a", "str(b, 8)", "c"});
  REQUIRE(cli::split_expressions("map(a, 1=\"x),\\\",y\"),b") == Pieces{"map(a, 1=\"x),\\\",y\")", "b"});
}
