#include "catch.h"
#include "unit/config/helpers.h"

using namespace tpx;
using namespace tpx::config;

namespace {

std::string rendered(const std::string& text, SourceLocation at) {
  Config config;
  config.files.emplace_back().path = "c.yaml";
  config.files.back().text = text;
  return render({Error{"bad", {}, std::move(at)}}, config);
}

}  // namespace

TEST_CASE("errors are rendered as a compiler does, in the order of the file") {
  const auto loaded = parse("c.yaml", R"(metrics:
  - name: x_total
    tracepoint: sched/sched_switch
    lables: {pid: pid}
    max_series: many
  - {name: y, tracepoint: z}
)");
  CHECK(render(loaded.errors, loaded.config) ==
        R"(c.yaml:4:5: error: a metric has no key "lables"; did you mean "labels"?
      lables: {pid: pid}
      ^
c.yaml:5:17: error: max_series must be a whole number from 1 to 1000000, this is "many"
      max_series: many
                  ^
c.yaml:6:12: error: metric name "y" is a counter's and must end in _total; name it y_total
    - {name: y, tracepoint: z}
             ^
c.yaml:6:27: error: "z" is not a tracepoint; write category/name, for example sched/sched_switch
    - {name: y, tracepoint: z}
                            ^
)");
}

TEST_CASE("errors without a place or a source have one line") {
  CHECK(render({Error{"message", "hint"}}, {}) == "error: message; hint\n");
  CHECK(render({Error{"message", {}, SourceLocation{"f", 2, 3}}}, {}) == "f:2:3: error: message\n");
  CHECK(render({Error{"message", {}, SourceLocation{"f", 0, 0}}}, {}) == "f: error: message\n");
  CHECK(render({}, {}).empty());
}

TEST_CASE("files are rendered one after the other") {
  Config config;
  const Errors errors = {Error{"third", {}, SourceLocation{"b", 1, 1}}, Error{"second", {}, SourceLocation{"a", 2, 1}},
                         Error{"first", {}, SourceLocation{"a", 1, 9}}};
  CHECK(render(errors, config) == "a:1:9: error: first\na:2:1: error: second\nb:1:1: error: third\n");
}

TEST_CASE("the caret stands below its character") {
  CHECK(rendered("\ta:\tb\n", {"c.yaml", 1, 5}) == "c.yaml:1:5: error: bad\n  \ta:\tb\n  \t  \t^\n");
  CHECK(rendered("\xC3\xBC: x\r\n", {"c.yaml", 1, 5}) == "c.yaml:1:5: error: bad\n  \xC3\xBC: x\n     ^\n");
  CHECK(rendered("a", {"c.yaml", 1, 2}) == "c.yaml:1:2: error: bad\n  a\n   ^\n");
  CHECK(rendered("a", {"c.yaml", 1, 3}) == "c.yaml:1:3: error: bad\n");
  CHECK(rendered("a", {"c.yaml", 2, 1}) == "c.yaml:2:1: error: bad\n");
}

TEST_CASE("long lines are cut around the caret, control characters are not sent to the terminal") {
  const std::string text = std::string(1000, 'a') + "X" + std::string(1000, 'b');
  CHECK(rendered(text, {"c.yaml", 1, 1001}) == "c.yaml:1:1001: error: bad\n  " + std::string(100, 'a') + "X" +
                                                   std::string(99, 'b') + "\n  " + std::string(100, ' ') + "^\n");
  CHECK(rendered("\x1B[31mred\xFF", {"c.yaml", 1, 1}) == "c.yaml:1:1: error: bad\n  ?[31mred\xEF\xBF\xBD\n  ^\n");
}
