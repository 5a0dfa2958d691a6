#include "support/exposition_parser.h"

#include "catch.h"

namespace tpx::test {
namespace {

std::string wrong(std::string_view page, bool open_metrics = false) {
  const auto parsed = parse_exposition(page, open_metrics);
  return parsed ? "" : parsed.error().message;
}

const std::string kHead = "# HELP a_total A.\n# TYPE a_total counter\n";

TEST_CASE("a right page is read") {
  const auto page = parse_exposition(kHead + "a_total{x=\"\\\"\\\\\\n\",y=\"\"} 5\na_total 7\n");
  REQUIRE(page.has_value());
  CHECK(page->value("a_total", {{"x", "\"\\\n"}, {"y", ""}}) == 5.0);
  CHECK(page->value("a_total") == 7.0);
  CHECK_FALSE(page->value("a_total", {{"x", "1"}}).has_value());
  CHECK(page->sum("a_total") == 12);
  CHECK(page->find("a_total")->help == "A.");
  CHECK(page->find("b") == nullptr);
}

TEST_CASE("wrong pages are refused") {
  CHECK(wrong(kHead + "a_total 1") != "");
  CHECK(wrong(kHead + "a_total 1\na_total 1\n") != "");
  CHECK(wrong(kHead + "a_total{x=\"1\",x=\"2\"} 1\n") != "");
  CHECK(wrong(kHead + "a_total{x=\"1\",} 1\n") != "");
  CHECK(wrong(kHead + "a_total{x=\"\\t\"} 1\n") != "");
  CHECK(wrong(kHead + "a_total{x=\"1} 1\n") != "");
  CHECK(wrong(kHead + "a_total{1x=\"1\"} 1\n") != "");
  CHECK(wrong(kHead + "a_total  1\n") != "");
  CHECK(wrong(kHead + "a_total one\n") != "");
  CHECK(wrong(kHead + "a_total{x=\"\xff\"} 1\n") != "");
  CHECK(wrong(kHead + "b_total 1\n") != "");
  CHECK(wrong(kHead + "\na_total 1\n") != "");
  CHECK(wrong(kHead + "a_total 1\n" + kHead) != "");
  CHECK(wrong(kHead + "# HELP b B.\n# TYPE b gauge\nb 1\n" + kHead) != "");
  CHECK(wrong("a_total 1\n") != "");
  CHECK(wrong("# TYPE a_total counter\na_total 1\n") != "");
  CHECK(wrong("# HELP a A\\t\n# TYPE a gauge\na 1\n") != "");
}

TEST_CASE("wrong histograms are refused") {
  const std::string head = "# HELP h H.\n# TYPE h histogram\n";
  CHECK(wrong(head + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n") == "");
  CHECK(wrong(head + "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n") != "");
  CHECK(wrong(head + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n") != "");
  CHECK(wrong(head + "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n") != "");
  CHECK(wrong(head + "h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 3\n") != "");
}

TEST_CASE("OpenMetrics wants _total and # EOF") {
  CHECK(wrong("# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n", true) == "");
  CHECK(wrong("# HELP a A.\n# TYPE a counter\na 1\n# EOF\n", true) != "");
  CHECK(wrong("# HELP a A.\n# TYPE a counter\na_total 1\n", true) != "");
  CHECK(wrong("# EOF\na 1\n", true) != "");
}

}  // namespace
}  // namespace tpx::test
