// The pages of the configuration, of tracepoints, the trial page, and the status as JSON.

#include "catch.h"
#include "page/config_page.h"
#include "page/status_json.h"
#include "page/tracepoint_page.h"
#include "page/try_page.h"
#include "service/configuration.h"
#include "support/fixtures.h"
#include "unit/http/recorded_response.h"

using namespace tpx;
using namespace tpx::page;
using namespace tpx::service;
using tpx::test::RecordedResponse;

namespace {

constexpr const char* kEvil = "<script>alert('x')</script>\" onload=\"y\xff";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const kernel::Kernel& recorded() {
  static const kernel::Kernel kernel = [] {
    auto opened = kernel::recorded_kernel(test::recorded_directory("6.1"), kernel::Features{});
    REQUIRE(opened);
    opened->may_load = false;
    return *opened;
  }();
  return kernel;
}

}  // namespace

TEST_CASE("the page of the configuration numbers its lines and tells of a failed load") {
  const LoadedConfiguration loaded{{{"dir/a.yaml", "metrics:\n  - {name: a_total}\n"}, {"b.yaml", "x: <y>"}},
                                   1700000000};
  const std::string good = config_page({}, loaded, {1700000000, ""});
  CHECK(has(good, "Loaded at 2023-11-14 22:13:20 UTC"));
  CHECK(has(good, "<span id=\"dir%2Fa.yaml-2\"><a href=\"#dir%2Fa.yaml-2\">2</a>  - {name: a_total}\n</span>"));
  CHECK_FALSE(has(good, "dir%2Fa.yaml-3"));
  CHECK(has(good, "x: &lt;y&gt;"));
  const std::string bad = config_page({}, loaded, {1700000060, "a.yaml:1:1: error: <bad>\n"});
  CHECK(has(bad, "The last load, at 2023-11-14 22:14:20 UTC, failed"));
  CHECK(has(bad, "loaded at 2023-11-14 22:13:20 UTC stays in use"));
  CHECK(has(bad, "error: &lt;bad&gt;"));
}

TEST_CASE("of a large configuration only the beginning is shown") {
  std::string text;
  while (text.size() < 4 << 20) {
    text += std::string(100, '<') + "\n";
  }
  const std::string html = config_page({}, {{{"a.yaml", text}}, 0}, {});
  CHECK(has(html, "The rest is not shown."));
  CHECK(html.size() < 4 << 20);
}

TEST_CASE("the status as JSON has what the page has") {
  ExporterStatus status;
  MetricStatus metric;
  metric.name = "a_total";
  metric.help = "quote \" and \xff";
  metric.up = true;
  metric.lost = {{"recursion", 9}};
  status.metrics.push_back(metric);
  RecentLosses losses;
  losses.span = std::chrono::seconds(300);
  losses.lost["a_total"] = {{"recursion", 4}};
  const std::string json = status_json({}, status, RateHistory(), losses, {{{"a.yaml", ""}}, 5}, {6, "why"});
  CHECK(json.starts_with("{\"status\":\"success\",\"data\":{"));
  CHECK(has(json,
            "\"configuration\":{\"files\":[\"a.yaml\"],\"loaded_at\":5,\"last_attempt_at\":6,\"last_error\":\"why\"}"));
  CHECK(has(json, "\"title\":\"Losing events\",\"text\":\"4 (recursion) in the last 5 minutes\""));
  CHECK(has(json, "\"lost_recently\":{\"recursion\":4},\"lost_total\":{\"recursion\":9}"));
  CHECK(has(json, "\"per_second\":null"));
  CHECK(has(json, "quote \\\" and \xef\xbf\xbd"));
}

TEST_CASE("tracepoints are found by words, globs and the perf spelling") {
  const std::vector<std::string> events = {"block/block_rq_issue", "sched/sched_switch", "sched/sched_wakeup",
                                           "syscalls/sys_enter_openat"};
  using Names = std::vector<std::string>;
  CHECK(matching_tracepoints(events, "SCHED switch") == Names{"sched/sched_switch"});
  CHECK(matching_tracepoints(events, "sched:sched_switch") == Names{"sched/sched_switch"});
  CHECK(matching_tracepoints(events, "*open*") == Names{"syscalls/sys_enter_openat"});
  CHECK(matching_tracepoints(events, "sched/*").size() == 2);
  CHECK(matching_tracepoints(events, "nothing").empty());
}

TEST_CASE("the list of tracepoints is bounded and escaped") {
  std::vector<std::string> events;
  for (int i = 0; i < 100000; ++i) {
    events.push_back("x/event" + std::to_string(i));
  }
  const std::string html = tracepoint_list_page({}, events, "x");
  CHECK(has(html, "100,000 of 100,000 tracepoints match “x”; the first 500 are shown"));
  CHECK(html.size() < 100000);
  CHECK(has(tracepoint_list_page({}, events, ""), "href=\"/tracepoints?q=x%2F\">x</a> <span class=\"soft\">100,000"));
  const std::string evil = tracepoint_list_page({}, {kEvil}, kEvil);
  CHECK_FALSE(has(evil, "<script"));
  CHECK_FALSE(has(evil, "\" onload"));
}

TEST_CASE("a tracepoint shows its fields and a configuration that the planner takes") {
  const auto format = recorded().tracefs.format("irq", "softirq_entry");
  REQUIRE(format);
  const std::string html = tracepoint_page({}, *format, recorded());
  CHECK(has(html, "<code>vec</code>"));
  CHECK(has(html, "3=NET_RX"));
  CHECK(has(html, "tracepoint: irq/softirq_entry"));
}

TEST_CASE("a name that the kernel does not list never becomes a path") {
  Sources sources;
  sources.info = [] { return PageInfo{}; };
  sources.paths.tracefs = test::recorded_directory("6.1");
  for (const char* name : {"..%2F..%2Fetc%2Fpasswd", "sched%2F..%2Firq%2Fsoftirq_entry", "sched", "", "%00"}) {
    http::Request request;
    request.query = std::string("name=") + name;
    RecordedResponse response;
    tracepoint_page_handler(sources)(request, response);
    CHECK(response.status == 404);
  }
}

TEST_CASE("the trial page gives the verdict of check") {
  const auto verdict = [](const std::string& text) { return try_configuration(text, recorded()); };
  const Verdict good = verdict("metrics:\n  - {name: a_total, tracepoint: sched/sched_switch, labels: {pid: pid}}\n");
  CHECK(good.errors.empty());
  CHECK(has(good.summary, "tracepoint_a_total"));
  CHECK(has(good.summary, "  cost "));
  CHECK(has(good.summary, "  series  no bound: pid"));
  CHECK(good.note == "this process may not load BPF programs");
  const Verdict bad = verdict("metrics:\n  - {name: a_total, tracepoint: sched/sched_swich, colour: red}\n");
  CHECK(has(bad.errors, "text:2:"));
  CHECK(has(bad.errors, "\"colour\""));
  CHECK(has(bad.errors, "sched/sched_switch"));
  CHECK(has(verdict("metrics: []\n").errors, "error"));
  CHECK(has(verdict("programs:\n  - object: /etc/shadow\n    metrics: [{name: a_total, map: m}]\n").errors,
            "cannot be tried here"));
  const std::string html = try_page({}, kEvil, &bad);
  CHECK_FALSE(has(html, "<script"));
  CHECK(has(html, "It has errors."));
}

TEST_CASE("the trial page does not let a configuration take the kernel's memory") {
  kernel::Kernel loads = recorded();
  loads.may_load = true;
  loads.memory_bytes = std::uint64_t{64} << 30;  // max_bytes is a quarter of it
  const Verdict large = try_configuration(
      "metrics:\n  - {name: a_total, tracepoint: sched/sched_switch, labels: {pid: pid, comm: comm, next: "
      "args.next_comm}, "
      "max_series: 1000000}\n",
      loads);
  INFO(large.errors);
  CHECK(has(large.note, "more than this page allocates"));
  CHECK(large.errors.empty());
}

TEST_CASE("the trial page refuses other sites and long texts") {
  Sources sources;
  sources.info = [] { return PageInfo{}; };
  const auto answer = [&](const std::string& query, http::Headers headers) {
    http::Request request;
    request.query = query;
    request.headers = std::move(headers);
    RecordedResponse response;
    try_page_handler(sources)(request, response);
    return response.status;
  };
  CHECK(answer("yaml=x", {{"Sec-Fetch-Site", "cross-site"}}) == 403);
  CHECK(answer("yaml=x", {{"Sec-Fetch-Site", "same-site"}}) == 403);
  CHECK(answer("", {{"Sec-Fetch-Site", "cross-site"}}) == 200);
  CHECK(answer("yaml=" + std::string(8193, 'x'), {}) == 413);
  CHECK(answer("", {}) == 200);
}

TEST_CASE("pages too many at once are answered with 503") {
  const auto turnstile = std::make_shared<Turnstile>(1);
  http::Handler outer;
  RecordedResponse inner;
  outer = Turnstile::guard(turnstile, [&](const http::Request& request, http::Response& response) {
    if (request.query == "first") {
      http::Request second;
      outer(second, inner);
    }
    response.send_text(200, "");
  });
  http::Request first;
  first.query = "first";
  RecordedResponse response;
  outer(first, response);
  CHECK(response.status == 200);
  CHECK(inner.status == 503);
  RecordedResponse later;
  outer(first, later);
  CHECK(later.status == 200);
}
