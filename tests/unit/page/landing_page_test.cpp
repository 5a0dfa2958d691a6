#include "page/landing_page.h"

#include <openssl/evp.h>

#include "catch.h"
#include "page/html.h"
#include "unit/http/recorded_response.h"

using namespace tpx;
using namespace tpx::http;
using namespace tpx::page;
using namespace tpx::service;
using tpx::test::RecordedResponse;

namespace {

MetricStatus counting(const std::string& name) {
  MetricStatus metric;
  metric.name = name;
  metric.type = "counter";
  metric.up = true;
  metric.tracepoints = {"sched/sched_switch"};
  metric.attach = "tp_btf";
  metric.attach_reason = "only builtins are used";
  metric.store = "table";
  metric.store_reason = "it has labels";
  metric.series = 812;
  metric.series_limit = 10240;
  metric.programs = {"sched/sched_switch"};
  return metric;
}

MetricStatus down(const std::string& name) {
  MetricStatus metric;
  metric.name = name;
  metric.reason = "tracepoint a/b not found";
  metric.hint = "did you mean a/c?";
  return metric;
}

std::string render(const ExporterStatus& status, const RateHistory& history = RateHistory()) {
  return landing_page(PageInfo{}, status, history, RecentLosses{});
}

/// As if all that was ever lost was lost now.
std::string render_losing(const ExporterStatus& status) {
  const LossHistory losses{LossHistory::Time{}};
  return landing_page(PageInfo{}, status, RateHistory(),
                      losses.recent(status, LossHistory::Time{} + std::chrono::seconds(60)));
}

Sources sources_of(StatusSource status, std::shared_ptr<RateHistory> history) {
  Sources sources;
  sources.info = [] { return PageInfo{}; };
  sources.status = std::move(status);
  sources.rates = std::move(history);
  sources.losses = std::make_shared<LossHistory>(std::chrono::steady_clock::now());
  return sources;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

RateHistory::Time at(int seconds) {
  return RateHistory::Time{} + std::chrono::seconds(1000 + seconds);
}

}  // namespace

TEST_CASE("the page shows each metric's state and series, and links to its own page") {
  ExporterStatus status;
  status.metrics = {counting("switches_total")};
  const std::string html = render(status);
  CHECK(has(html, "switches_total"));
  CHECK(has(html, "sched/sched_switch"));
  CHECK(has(html, "● up"));
  CHECK(has(html, "1 / 1</b><span>metrics counting"));
  CHECK(has(html, "812 of 10,240 series in use"));
  CHECK(has(html, "<a class=\"name\" href=\"/metric/switches_total\">switches_total</a>"));
  CHECK(has(html, "id=\"metric-switches_total\""));
  CHECK(has(html, "The metric counts; no events were lost in the last 0 s"));
  CHECK_FALSE(has(html, "class=\"bad\""));
}

TEST_CASE("what is down comes first, with the reason and the fix") {
  ExporterStatus status;
  status.metrics = {counting("switches_total"), down("broken_total")};
  const std::string html = render(status);
  CHECK(has(html, "✕ down"));
  CHECK(has(html, "Not counting:</strong> tracepoint a/b not found · <code>broken_total</code>"));
  CHECK(has(html, "To fix it: did you mean a/c?"));
  CHECK(html.find("id=\"metric-broken_total") < html.find("id=\"metric-switches_total"));
}

TEST_CASE("full metrics and lost events are pointed out") {
  ExporterStatus status;
  status.metrics = {counting("full_total"), counting("near_total"), counting("losing_total")};
  status.metrics[0].other = 1234567;
  status.metrics[1].series = 10000;
  status.metrics[2].lost = {{"recursion", 1500}, {"negative_value", 0}};
  const std::string html = render_losing(status);
  CHECK(count(html, "▲ full") == 2);
  CHECK(has(html, "1,234,567 events went to the series “other”"));
  CHECK(has(html, "Nearly full:</strong> nine tenths of the series are in use · <code>near_total</code>"));
  CHECK(has(html, "1,500 (recursion) in the last 1 minute · <code>losing_total</code>"));
  CHECK(has(html, "1,500</b><span>events lost in the last 1 minute"));
  CHECK(count(html, "✕ losing") == 1);
}

TEST_CASE("costs show when statistics are on, and how to turn them on when not") {
  ExporterStatus status;
  status.metrics = {counting("switches_total")};
  status.programs = {{"sched/sched_switch", 1000, 0.000074}, {"other/program", 10, 1}};
  CHECK(has(render(status), "kernel.bpf_stats_enabled=1"));
  CHECK_FALSE(has(render(status), "Cost/event"));
  status.statistics = true;
  CHECK(has(render(status), "74 ns"));
}

TEST_CASE("events a second come with a sparkline") {
  ExporterStatus status;
  status.metrics = {counting("switches_total")};
  RateHistory history;
  for (int i = 0; i < 4; ++i) {
    status.metrics[0].events_total = 1500.0 * i;
    history.sample(status, at(i));
  }
  const std::string html = render(status, history);
  CHECK(has(html, "events a second of switches_total, now 1.5k, at most 1.5k"));
  CHECK(has(html, "<polyline"));
  CHECK(has(html, "1.5k</b><span>events a second"));
}

TEST_CASE("nothing that comes from outside can become HTML") {
  const std::string evil = "<script>alert('x')</script>\" onload=\"y\xff";
  PageInfo info;
  info.version = info.hostname = info.kernel = info.metrics_path = info.documentation = info.config = evil;
  ExporterStatus status;
  status.metrics = {counting(evil), down(evil)};
  for (MetricStatus& metric : status.metrics) {
    metric.type = metric.attach = metric.attach_reason = metric.store = metric.store_reason = evil;
    metric.reason = metric.hint = evil;
    metric.tracepoints = {evil};
    metric.lost = {{evil, 1}};
    metric.other = 1;
  }
  RateHistory history;
  history.sample(status, at(0));
  history.sample(status, at(1));
  history.sample(status, at(2));
  info.reload_successful = false;
  info.reload_error = evil;
  const LossHistory losses{at(0)};
  const std::string html = landing_page(info, status, history, losses.recent(status, at(2)), {"<script>", 0});
  CHECK_FALSE(has(html, "<script"));
  CHECK_FALSE(has(html, "\" onload"));
  CHECK_FALSE(has(html, "\xff"));
  CHECK(count(html, "&lt;script&gt;") > 10);
}

TEST_CASE("the page loads nothing, and its style alone passes its policy") {
  ExporterStatus status;
  status.metrics = {counting("switches_total"), down("broken_total")};
  const std::string html = render(status);
  CHECK_FALSE(has(html, "src="));
  CHECK_FALSE(has(html, "style=\""));
  CHECK_FALSE(has(html, "@import"));
  CHECK_FALSE(has(html, "url("));
  CHECK(has(html, "width=device-width"));

  const std::size_t from = html.find("<style>") + 7;
  const std::string style = html.substr(from, html.find("</style>") - from);
  unsigned char digest[32];
  unsigned char text[64];
  EVP_Digest(style.data(), style.size(), digest, nullptr, EVP_sha256(), nullptr);
  const int length = EVP_EncodeBlock(text, digest, sizeof(digest));
  RecordedResponse response;
  response.headers = page_headers();
  const std::string hash(text, text + length);
  CHECK(has(response.header("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-" + hash + "'"));
}

TEST_CASE("the page reloads itself only when asked to") {
  const auto history = std::make_shared<RateHistory>();
  const Handler handler = landing_page_handler(sources_of([] { return ExporterStatus{}; }, history));
  const auto body = [&](const std::string& query) {
    Request request;
    request.query = query;
    RecordedResponse response;
    handler(request, response);
    CHECK(response.status == 200);
    return response.body;
  };
  CHECK_FALSE(has(body(""), "http-equiv"));
  CHECK(has(body("refresh=5"), "<meta http-equiv=\"refresh\" content=\"5\">"));
  for (const char* query : {"refresh=0", "refresh=-1", "refresh=5;url=http://x", "refresh=99999", "refresh="}) {
    CHECK_FALSE(has(body(query), "http-equiv"));
  }
}

TEST_CASE("the first visit shows what happens now") {
  const auto history = std::make_shared<RateHistory>();
  double total = 0;
  const auto status = [&] {
    ExporterStatus now;
    now.metrics = {counting("a")};
    now.metrics[0].events_total = total += 1000;
    return now;
  };
  const Handler handler = landing_page_handler(sources_of(status, history));
  RecordedResponse response;
  handler(Request{}, response);
  CHECK(history->rates("a").size() == 2);
  CHECK(has(response.body, "<svg class=\"spark\""));
}

TEST_CASE("more samples are missing at first and after a pause") {
  RateHistory history;
  ExporterStatus status;
  CHECK(history.missing(at(0)) == 2);
  history.sample(status, at(0));
  CHECK(history.missing(at(0)) == 2);  // too soon to count
  CHECK(history.missing(at(1)) == 1);
  history.sample(status, at(1));
  CHECK(history.missing(at(2)) == 0);
  history.sample(status, at(2));
  CHECK(history.missing(at(3)) == 0);
  CHECK(history.missing(at(100)) == 1);
}

TEST_CASE("lost events come with their reason and what to do about it") {
  ExporterStatus status;
  status.metrics = {counting("a"), counting("b")};
  status.metrics[0].lost = {{"recursion", 5}, {"negative_value", 0}};
  const std::string html = render_losing(status);
  CHECK(has(html, "5 (recursion) in the last 1 minute · <code>a</code>"));
  CHECK(has(html, "tp_btf lose fewer events"));
  CHECK_FALSE(has(html, "negative"));
  CHECK_FALSE(has(html, "<code>b</code>"));
}

TEST_CASE("losses that this kernel does not tell of are no zero") {
  ExporterStatus status;
  status.metrics = {counting("classic_total")};
  status.metrics[0].lost = {{"unknown", 0}};
  CHECK(has(render(status), ">unknown</td>"));
  status.metrics[0].lost = {{"recursion", 0}};
  CHECK_FALSE(has(render(status), ">unknown</td>"));
}

TEST_CASE("a page without metrics says so, and one of an old configuration too") {
  CHECK(has(render({}), "No metric is configured"));
  PageInfo info;
  info.reload_successful = false;
  info.reload_error = "a.yaml:1:1: error: no <such> key";
  CHECK(has(landing_page(info, {}, RateHistory(), RecentLosses{}), "The last reload failed"));
  CHECK(has(landing_page(info, {}, RateHistory(), RecentLosses{}), "a.yaml:1:1: error: no &lt;such&gt; key"));
}

TEST_CASE("a search shows what matches by name, tracepoint or help, whatever the case") {
  ExporterStatus status;
  status.metrics = {counting("switches_total"), counting("opens_total"), counting("waits_total")};
  status.metrics[1].tracepoints = {"syscalls/sys_enter_openat"};
  status.metrics[2].help = "Waits for Locks.";
  const auto shown = [&](const std::string& query) {
    return landing_page(PageInfo{}, status, RateHistory(), RecentLosses{}, {query, 0});
  };
  CHECK(count(shown(""), "<tr role=\"row\" id=") == 3);
  CHECK(has(shown("OPENAT"), "1 of 3 metrics match “OPENAT”"));
  CHECK(has(shown("openat"), "id=\"metric-opens_total\""));
  CHECK(count(shown("openat"), "<tr role=\"row\" id=") == 1);
  CHECK(has(shown("locks waits"), "id=\"metric-waits_total\""));
  CHECK(has(shown("nowhere"), "0 of 3 metrics"));
  CHECK(has(shown("a b"), "href=\"/?refresh=5&amp;q=a%20b\""));
}

TEST_CASE("many metrics stand in groups that links lead to, few do not") {
  ExporterStatus status;
  for (int i = 0; i < 9; ++i) {
    status.metrics.push_back(counting("m" + std::to_string(i)));
    status.metrics.back().tracepoints = {i < 4 ? "block/block_rq_issue" : "sched/sched_switch"};
  }
  const std::string html = render(status);
  CHECK(has(html, "<a href=\"#group-block\">block <span>4</span></a>"));
  CHECK(has(html, "id=\"group-sched\""));
  status.metrics.resize(8);
  CHECK_FALSE(has(render(status), "class=\"jump\""));
}

TEST_CASE("rates are differences over time") {
  RateHistory history(3);
  ExporterStatus status;
  status.metrics = {counting("a")};
  const auto sample = [&](double total, int second) {
    status.metrics[0].events_total = total;
    history.sample(status, at(second));
  };
  sample(100, 0);
  CHECK(history.rates("a").empty());
  sample(300, 2);
  CHECK(history.rates("a") == std::vector<double>{100});
  sample(1000, 2);  // too soon
  CHECK(history.rates("a").size() == 1);
  sample(50, 3);  // began anew
  sample(60, 4);
  sample(80, 5);
  CHECK(history.rates("a") == std::vector<double>{0, 10, 20});
  status.metrics[0].name = "b";
  sample(0, 6);
  CHECK(history.rates("a").empty());
}

TEST_CASE("numbers are written for people") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(0.516) == "0.52");
  CHECK(short_number(999.4) == "999");
  CHECK(short_number(999.6) == "1k");
  CHECK(short_number(12340) == "12.3k");
  CHECK(short_number(5e15) == "5000T");
  CHECK(short_bytes(512) == "512 B");
  CHECK(short_bytes(1258291) == "1.2 MiB");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(short_duration(59) == "59 s");
  CHECK(short_duration(3600) == "1 h");
  CHECK(short_duration(93784) == "1 d 2 h");
}
