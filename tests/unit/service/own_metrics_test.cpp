#include "service/own_metrics.h"

#include "catch.h"
#include "exposition/registry_text.h"
#include "support/collecting_sink.h"

using namespace tpx;
using namespace tpx::exposition;
using namespace tpx::service;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string written(const std::vector<prometheus::MetricFamily>& families) {
  test::CollectingSink sink;
  TextWriter writer(sink, TextFormat::Prometheus);
  write_families(writer, families);
  REQUIRE(writer.finish());
  return sink.text;
}

ExporterStatus two_metrics() {
  ExporterStatus status;
  MetricStatus up;
  up.name = "a_total";
  up.up = true;
  up.series = 3;
  up.series_limit = 10;
  up.events_total = 500;
  up.other = 5;
  up.map_bytes = 4096;
  up.lost = {{"recursion", 7}, {"negative_value", 0}};
  MetricStatus down;
  down.name = "b_total";
  down.reason = "no \"such\" tracepoint";
  status.metrics = {up, down};
  status.programs = {{"sched/sched_switch", 42, 0.5}};
  return status;
}

}  // namespace

TEST_CASE("every metric's state is exposed, with the reason when it is down") {
  const std::string text = written(status_families(two_metrics()));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_up{metric="a_total",reason=""} 1)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_up{metric="b_total",reason="no \"such\" tracepoint"} 0)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_series{metric="a_total"} 3)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_series_limit{metric="a_total"} 10)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_events_total{metric="a_total"} 500)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_events_other_total{metric="a_total"} 5)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_events_lost_total{metric="a_total",reason="recursion"} 7)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_events_lost_total{metric="a_total",reason="negative_value"} 0)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_map_bytes{metric="a_total"} 4096)"));
  CHECK(text.find(R"(_series{metric="b_total")") == std::string::npos);
}

TEST_CASE("programs are exposed only while statistics are on") {
  ExporterStatus status = two_metrics();
  CHECK(written(status_families(status)).find("program_runs") == std::string::npos);
  status.statistics = true;
  const std::string text = written(status_families(status));
  CHECK(has_line(text, R"(tracepoint_exporter_program_runs_total{program="sched/sched_switch"} 42)"));
  CHECK(has_line(text, R"(tracepoint_exporter_program_run_seconds_total{program="sched/sched_switch"} 0.5)"));
}

TEST_CASE("build, reloads and scrapes are exposed, all families sorted and once") {
  OwnMetrics own({"1.2.3", "abc", "g++ 12.2"}, "/proc");
  own.observe_reload(true, 1700000000);
  own.observe_reload(false, 1800000000);
  own.observe_scrape(0.004);
  own.observe_scrape(3);
  const auto families = own.collect(two_metrics());
  for (std::size_t i = 1; i < families.size(); ++i) {
    CHECK(families[i - 1].name < families[i].name);
  }
  const std::string text = written(families);
  CHECK(has_line(text, R"(tracepoint_exporter_build_info{compiler="g++ 12.2",revision="abc",version="1.2.3"} 1)"));
  CHECK(has_line(text, "tracepoint_exporter_config_last_reload_successful 0"));
  CHECK(has_line(text, "tracepoint_exporter_config_last_reload_success_timestamp_seconds 1.7e+09"));
  CHECK(has_line(text, "tracepoint_exporter_last_scrape_duration_seconds 3"));
  CHECK(has_line(text, R"(tracepoint_exporter_scrape_duration_seconds_bucket{le="0.005"} 1)"));
  CHECK(has_line(text, R"(tracepoint_exporter_scrape_duration_seconds_bucket{le="+Inf"} 2)"));
  CHECK(has_line(text, "tracepoint_exporter_scrape_duration_seconds_count 2"));
  for (const char* name : {"cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds",
                           "start_time_seconds"}) {
    CHECK(text.find("\nprocess_" + std::string(name) + " ") != std::string::npos);
  }
}

TEST_CASE("the reason of a failed reload is one series, gone after a good one") {
  OwnMetrics own(this_build(), "/nonexistent");
  const auto text = [&own] { return written(own.collect({})); };
  CHECK(text().find("reload_error_info") == std::string::npos);
  own.observe_reload(false, 1, "a.yaml:1:1: error: one");
  own.observe_reload(false, 2, "a.yaml:2:1: error: \"two\"");
  CHECK(text().find("error: one") == std::string::npos);
  CHECK(has_line(text(), R"(tracepoint_exporter_config_last_reload_error_info{error="a.yaml:2:1: error: \"two\""} 1)"));
  own.observe_reload(true, 3);
  CHECK(text().find("reload_error_info") == std::string::npos);
}

TEST_CASE("without procfs the process' metrics are left out") {
  OwnMetrics own(this_build(), "/nonexistent");
  const std::string text = written(own.collect({}));
  CHECK(text.find("process_cpu_seconds_total") == std::string::npos);
  CHECK(text.find("tracepoint_exporter_build_info{compiler=") != std::string::npos);
}

TEST_CASE("a process' stat file is read by the manual") {
  // the name may hold spaces and brackets; fields 14, 15, 22, 23, 24 count from 1
  const std::string text = "123 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 15 16 17 18 6000 1048576 300 21 22\n";
  const auto figures = parse_process_stat(text, 100, 4096, 1000000);
  REQUIRE(figures.has_value());
  CHECK(figures->cpu_seconds == 4.0);
  CHECK(figures->virtual_bytes == 1048576);
  CHECK(figures->resident_bytes == 300 * 4096);
  CHECK(figures->start_seconds == 1000060);
  CHECK_FALSE(parse_process_stat("123 (a) S 1", 100, 4096, 0).has_value());
  CHECK_FALSE(parse_process_stat("", 100, 4096, 0).has_value());
  CHECK(parse_boot_time("cpu 1 2\nbtime 1234\nprocesses 5\n") == 1234.0);
  CHECK_FALSE(parse_boot_time("cpu 1 2\n").has_value());
}

TEST_CASE("without the process' own metrics, those about the configured metrics are left") {
  OwnMetrics own({"1.2.3", "", "compiler"}, "/proc");
  own.leave_out_process();
  own.add_source([] {
    prometheus::MetricFamily family;
    family.name = "tracepoint_exporter_http_connections";
    return std::vector{family};
  });
  own.observe_scrape(0.1);
  own.observe_reload(true, 1);
  const std::string text = written(own.collect(two_metrics()));
  for (const char* name : {"process_", "_http_", "scrape_duration"}) {
    INFO(name);
    CHECK(text.find(name) == std::string::npos);
  }
  for (const char* name :
       {"_metric_up", "_metric_events_lost_total", "_build_info", "_config_last_reload_successful 1"}) {
    INFO(name);
    CHECK(text.find(name) != std::string::npos);
  }
}
