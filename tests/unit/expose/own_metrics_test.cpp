#include "expose/own_metrics.h"

#include "catch.h"
#include "expose/write_families.h"

using namespace tpx;
using namespace tpx::expose;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string written(const std::vector<prometheus::MetricFamily>& families, bool openmetrics = false) {
  std::string out;
  write_families(families, openmetrics, out);
  return out;
}

ExporterStatus two_metrics() {
  ExporterStatus status;
  MetricStatus up;
  up.name = "a_total";
  up.up = true;
  up.series = 3;
  up.series_limit = 10;
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

prometheus::MetricFamily family(prometheus::MetricType type, const std::string& name,
                                const std::string& help = "Help.") {
  prometheus::MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  made.metric.resize(1);
  return made;
}

}  // namespace

TEST_CASE("every metric's state is exposed, with the reason when it is down") {
  const std::string text = written(status_families(two_metrics()));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_up{metric="a_total",reason=""} 1)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_up{metric="b_total",reason="no \"such\" tracepoint"} 0)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_series{metric="a_total"} 3)"));
  CHECK(has_line(text, R"(tracepoint_exporter_metric_series_limit{metric="a_total"} 10)"));
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
  CHECK(has_line(text, "tracepoint_exporter_config_last_reload_success_timestamp_seconds 1700000000"));
  CHECK(has_line(text, "tracepoint_exporter_last_scrape_duration_seconds 3"));
  CHECK(has_line(text, R"(tracepoint_exporter_scrape_duration_seconds_bucket{le="0.005"} 1)"));
  CHECK(has_line(text, R"(tracepoint_exporter_scrape_duration_seconds_bucket{le="+Inf"} 2)"));
  CHECK(has_line(text, "tracepoint_exporter_scrape_duration_seconds_count 2"));
  for (const char* name : {"cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds",
                           "start_time_seconds"}) {
    CHECK(text.find("\nprocess_" + std::string(name) + " ") != std::string::npos);
  }
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

TEST_CASE("text is escaped as each format says and is valid UTF-8") {
  auto gauge = family(prometheus::MetricType::Gauge, "g", "a \\ \"b\"\nc");
  gauge.metric[0].label = {{"l", "q\" b\\ n\n \xff"}};
  gauge.metric[0].gauge.value = 1.5;
  const std::string sample = "g{l=\"q\\\" b\\\\ n\\n \xEF\xBF\xBD\"} 1.5";
  const std::string text = written({gauge});
  CHECK(has_line(text, "# HELP g a \\\\ \"b\"\\nc"));
  CHECK(has_line(text, sample));
  const std::string open = written({gauge}, true);
  CHECK(has_line(open, "# HELP g a \\\\ \\\"b\\\"\\nc"));
  CHECK(has_line(open, sample));
}

TEST_CASE("a counter's family has no _total in OpenMetrics, its sample has") {
  auto counter = family(prometheus::MetricType::Counter, "c_total");
  counter.metric[0].counter.value = 1e6;
  CHECK(written({counter}) == "# HELP c_total Help.\n# TYPE c_total counter\nc_total 1000000\n");
  CHECK(written({counter}, true) == "# HELP c Help.\n# TYPE c counter\nc_total 1000000\n");
}

TEST_CASE("buckets come in the order of their bounds and end in +Inf") {
  auto histogram = family(prometheus::MetricType::Histogram, "h");
  auto& value = histogram.metric[0].histogram;
  value.bucket = {{3, 10}, {1, 0.5}, {2, 2}};
  value.sample_count = 4;
  value.sample_sum = 12.25;
  CHECK(written({histogram}) ==
        "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"10\"} 3\n"
        "h_bucket{le=\"+Inf\"} 4\nh_sum 12.25\nh_count 4\n");
  CHECK(has_line(written({histogram}, true), "h_bucket{le=\"2.0\"} 2"));
}

TEST_CASE("numbers that are none have their names") {
  auto gauge = family(prometheus::MetricType::Gauge, "g");
  gauge.metric[0].gauge.value = std::numeric_limits<double>::quiet_NaN();
  CHECK(has_line(written({gauge}), "g NaN"));
  gauge.metric[0].gauge.value = -std::numeric_limits<double>::infinity();
  CHECK(has_line(written({gauge}), "g -Inf"));
  gauge.metric[0].gauge.value = 0.1;
  CHECK(has_line(written({gauge}), "g 0.1"));
}
