#include "config/names.h"

#include "catch.h"
#include "unit/config/helpers.h"

using namespace tpx;
using namespace tpx::config;

TEST_CASE("metric names and label names") {
  CHECK(is_metric_name("a:b_1"));
  CHECK_FALSE(is_metric_name("1a"));
  CHECK_FALSE(is_metric_name(""));
  CHECK_FALSE(is_metric_name("a-b"));
  CHECK(is_identifier("_a1"));
  CHECK_FALSE(is_identifier("a:b"));
}

TEST_CASE("a metric's name fits its type") {
  const auto check = [](const char* name, MetricType type) {
    const auto problem = check_metric_name(Text{name, {}}, type);
    return problem ? problem->message + "; " + problem->hint : std::string();
  };
  CHECK(check("x_total", MetricType::Counter).empty());
  CHECK(check("x", MetricType::Counter).find("must end in _total; name it x_total") != std::string::npos);
  CHECK(check("x", MetricType::Gauge).empty());
  CHECK(check("x_sum", MetricType::Gauge).empty());
  CHECK(check("x_total", MetricType::Gauge).find("name it x, or write type: counter") != std::string::npos);
  CHECK(check("x_seconds", MetricType::Histogram).empty());
  CHECK(check("x_total", MetricType::Histogram).find("only a counter's may") != std::string::npos);
  for (const char* name : {"x_bucket", "x_sum", "x_count"}) {
    CHECK(check(name, MetricType::Histogram).find("name it x") != std::string::npos);
  }
  CHECK(check("my-metric_total", MetricType::Counter).find("write my_metric_total") != std::string::npos);
}

TEST_CASE("names collide by what they expose") {
  const auto add = [](ExposedNames& names, const std::string& name, MetricType type) {
    const auto problem = names.add("t", Text{name, {"c", 7, 3}}, type);
    return problem ? problem->message : std::string();
  };
  ExposedNames names;
  CHECK(add(names, "x", MetricType::Histogram).empty());
  CHECK(add(names, "x", MetricType::Histogram) == "metric name \"t_x\" is used twice");
  CHECK(add(names, "x_sum", MetricType::Gauge) == "metric \"t_x_sum\" collides with \"t_x\": both expose \"t_x_sum\"");
  CHECK(add(names, "x_count", MetricType::Gauge).find("collides") != std::string::npos);
  CHECK(add(names, "x_total", MetricType::Counter).find("collides") != std::string::npos);
  CHECK(add(names, "y_sum", MetricType::Gauge).empty());
  CHECK(add(names, "y", MetricType::Histogram).find("collides with \"t_y_sum\"") != std::string::npos);
  CHECK(add(names, "z_total", MetricType::Counter).empty());
  CHECK(add(names, "z", MetricType::Gauge).find("collides") != std::string::npos);
  CHECK(names.add("u", Text{"x", {}}, MetricType::Histogram) == std::nullopt);
  CHECK(names.add("tracepoint", Text{"exporter_up", {}}, MetricType::Gauge)->message.find("exporter's own") !=
        std::string::npos);
  CHECK(names.add("", Text{"process_cpu_seconds_total", {}}, MetricType::Counter));
}

TEST_CASE("names used twice in a file are reported at the second") {
  const auto loaded = parse("c", R"(metrics:
  - {name: x_total, tracepoint: a/b}
  - {name: x_total, tracepoint: a/c}
programs:
  - object: x.o
    metrics: [{name: x_total, map: m}]
)");
  INFO(shown(loaded));
  CHECK(loaded.errors.size() == 2);
  CHECK(has_error(loaded.errors, 3, 12, "\"tracepoint_x_total\" is used twice", "the first is at c:2"));
  CHECK(has_error(loaded.errors, 6, 22, "is used twice"));
  CHECK(loaded.config.files[0].metrics.size() == 1);
  CHECK(loaded.config.files[0].objects.at(0).metrics.empty());
}
