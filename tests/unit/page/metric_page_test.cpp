#include "page/metric_page.h"

#include "catch.h"
#include "page/html.h"
#include "unit/http/recorded_response.h"

using namespace tpx;
using namespace tpx::page;
using namespace tpx::service;
using tpx::test::RecordedResponse;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

MetricDetail opens() {
  MetricDetail detail;
  detail.status.name = "opens_total";
  detail.status.help = "Calls of openat(2).";
  detail.status.type = "counter";
  detail.status.up = true;
  detail.status.tracepoints = {"syscalls/sys_enter_openat"};
  detail.status.attach = "tp_btf";
  detail.status.attach_reason = "only builtins are used";
  detail.status.store = "table";
  detail.status.store_reason = "it has labels";
  detail.status.series_limit = 10240;
  detail.at = {"a.yaml", 2, 5};
  detail.label_names = {"comm"};
  detail.known = true;
  detail.series = {{"comm=\"cat\"", 1200, 0}, {"comm=\"sh\"", 30, 0}};
  return detail;
}

std::string render(const MetricDetail& before, const MetricDetail& now, bool by_rate = false) {
  return metric_page(PageInfo{}, {before, now, 2, by_rate, "- name: opens_total\n"}, RecentLosses{});
}

}  // namespace

TEST_CASE("a metric's page says what it is, how it is attached and kept, and where it is configured") {
  const std::string html = render(opens(), opens());
  CHECK(has(html, "Calls of openat(2)."));
  CHECK(has(html, "<code>comm</code>"));
  CHECK(has(html, "tp_btf <span class=\"soft\">only builtins are used</span>"));
  CHECK(has(html, "table <span class=\"soft\">it has labels</span>"));
  CHECK(has(html, "<a href=\"/config#a.yaml-2\"><code>a.yaml:2</code></a>"));
  CHECK(has(html, "- name: opens_total"));
  CHECK(has(html, "href=\"/tracepoints?name=syscalls%2Fsys_enter_openat\""));
  CHECK(has(html, "topk(10, sum by (comm) (rate(opens_total[5m])))"));
}

TEST_CASE("series show their values and rates, by either") {
  MetricDetail now = opens();
  now.series[1].value = 130;
  now.series[0].value = 1202;
  const std::string by_value = render(opens(), now);
  CHECK(has(by_value, "{comm=&quot;cat&quot;}</code></td><td class=\"num\">1.2k</td><td class=\"num\">1</td>"));
  CHECK(has(by_value, "{comm=&quot;sh&quot;}</code></td><td class=\"num\">130</td><td class=\"num\">50</td>"));
  CHECK(by_value.find("cat&quot;}") < by_value.find("sh&quot;}"));
  const std::string by_rate = render(opens(), now, true);
  CHECK(by_rate.find("sh&quot;}") < by_rate.find("cat&quot;}"));
}

TEST_CASE("only the first twenty series are listed") {
  MetricDetail many = opens();
  many.series.clear();
  for (int i = 0; i < 3000; ++i) {
    many.series.push_back({"comm=\"c" + std::to_string(i) + "\"", 3000.0 - i, 0});
  }
  const std::string html = render(many, many);
  CHECK(has(html, "The first 20 of 3,000 series"));
  CHECK(has(html, "c19&quot;"));
  CHECK_FALSE(has(html, "c20&quot;"));
}

TEST_CASE("a histogram shows bars between its first and its last observation") {
  MetricDetail detail = opens();
  detail.status.type = "histogram";
  detail.bounds = {0.001, 0.002, 0.004};
  detail.buckets = {0, 30, 10, 0};
  detail.sum = 0.08;
  detail.series = {{"comm=\"cat\"", 40, 0.08}};
  const std::string html = render(detail, detail);
  CHECK(has(html, "40 observations, mean 0.002"));
  CHECK(has(html, "75% of the observations"));
  CHECK(has(html, "<td class=\"num\">0.004</td>"));
  CHECK_FALSE(has(html, "<td class=\"num\">0.001</td>"));
  CHECK_FALSE(has(html, "+Inf</td>"));
  CHECK(has(html, "histogram_quantile(0.99, sum by (le, comm) (rate(opens_total_bucket[5m])))"));
}

TEST_CASE("a metric that is down shows why and what to do") {
  MetricDetail detail;
  detail.status.name = "gone_total";
  detail.status.reason = "tracepoint a/b not found";
  detail.status.hint = "did you mean a/c?";
  const std::string html = render(detail, detail);
  CHECK(has(html, "Not counting:</strong> tracepoint a/b not found"));
  CHECK(has(html, "To fix it: did you mean a/c?"));
  CHECK_FALSE(has(html, "id=\"series\""));
}

TEST_CASE("nothing on a metric's page can become HTML") {
  const std::string evil = "<script>\" onload=\"y\xff";
  MetricDetail detail = opens();
  detail.status.name = detail.status.help = detail.status.reason = detail.status.type = evil;
  detail.status.attach = detail.status.attach_reason = detail.status.store = detail.status.store_reason = evil;
  detail.status.tracepoints = {evil, "a/" + evil};
  detail.status.lost = detail.status.unmatched = {{evil, 1}};
  detail.label_names = {evil};
  detail.at.file = evil;
  detail.series = {{evil, 1, 0}};
  const std::string html = metric_page(PageInfo{}, {detail, detail, 1, false, evil}, RecentLosses{});
  CHECK_FALSE(has(html, "<script"));
  CHECK_FALSE(has(html, "\" onload"));
  CHECK_FALSE(has(html, "\xff"));
}

TEST_CASE("an unknown metric is not found, and near names are linked") {
  Sources sources;
  sources.info = [] { return PageInfo{}; };
  sources.status = [] {
    ExporterStatus status;
    status.metrics.push_back(opens().status);
    return status;
  };
  sources.detail = [](const std::string&) -> std::optional<MetricDetail> { return std::nullopt; };
  http::Request request;
  request.path = "/metric/opens_totl";
  RecordedResponse response;
  metric_page_handler(sources)(request, response);
  CHECK(response.status == 404);
  CHECK(has(response.body, "Did you mean <a class=\"name\" href=\"/metric/opens_total\">"));
}

TEST_CASE("an entry of a configuration is its lines alone") {
  const std::string text =
      "metrics:\n"
      "  - name: a_total\n"
      "    labels:\n"
      "      x: comm\n"
      "\n"
      "  # about b\n"
      "  - {name: b_total}\n"
      "  -\n"
      "    name: c_total\n"
      "    help: C.\n"
      "other: 1\n";
  CHECK(entry_lines(text, 2) == "- name: a_total\n  labels:\n    x: comm\n");
  CHECK(entry_lines(text, 7) == "- {name: b_total}\n");
  CHECK(entry_lines(text, 9) == "-\n  name: c_total\n  help: C.\n");
  CHECK(entry_lines(text, 0).empty());
  CHECK(entry_lines(text, 99).empty());
  std::string endless = "- name: a\n";
  for (int i = 0; i < 1000; ++i) {
    endless += "  x: y\n";
  }
  CHECK(entry_lines(endless, 1).size() < 1000);
}

TEST_CASE("what stands in a URL is encoded") {
  CHECK(url_encode("a b/c?d&e\"<") == "a%20b%2Fc%3Fd%26e%22%3C");
  CHECK(metric_url("ns:a_total") == "/metric/ns%3Aa_total");
}
