#include "decode/label_text.h"

#include <vector>

#include "catch.h"

namespace tpx::decode {
namespace {

TEST_CASE("backslash, quote and line feed are escaped in label values, nothing else") {
  std::string out = "x=";
  append_escaped_label(out, "a\\b\"c\nd\te{},é");
  CHECK(out == "x=a\\\\b\\\"c\\nd\te{},é");
}

TEST_CASE("a value that ends in what is escaped keeps its end") {
  std::string out;
  append_escaped_label(out, "\n\"\\");
  CHECK(out == "\\n\\\"\\\\");
}

TEST_CASE("labels are rendered in their order and replace what was there") {
  const std::vector<std::string> names = {"pid", "comm"};
  const std::vector<std::string> values = {"1", "a \"b\""};
  std::string out = "old";
  render_labels(out, names, values);
  CHECK(out == R"(pid="1",comm="a \"b\"")");
  render_labels(out, {}, {});
  CHECK(out.empty());
}

TEST_CASE("one label of a text gets another value") {
  const std::vector<std::string> names = {"a", "b", "c"};
  const std::vector<std::string> values = {"x\",b=\"y", "\\", "z"};
  const std::vector<std::string> expected[] = {
      {"exited", "\\", "z"}, {"x\",b=\"y", "exited", "z"}, {"x\",b=\"y", "\\", "exited"}};
  for (std::size_t label = 0; label < names.size(); ++label) {
    std::string text;
    std::string right;
    render_labels(text, names, values);
    render_labels(right, names, expected[label]);
    replace_label(text, label, "exited");
    CHECK(text == right);
  }
}

}  // namespace
}  // namespace tpx::decode
