#include "live/top_output.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace tpx;

namespace {

schema::ValueLayout histogram() {
  schema::ValueLayout layout;
  layout.kind = schema::MetricKind::Histogram;
  layout.bounds = {1000, 2000};
  layout.exposed_bounds = {1e-6, 2e-6};
  return layout;
}

void sample(live::TopModel& model, const std::vector<std::string>& labels, const std::vector<std::uint64_t>& value) {
  model.begin();
  model.add(labels, value);
  model.end(2);
}

}  // namespace

TEST_CASE("a sample as JSON has plain numbers") {
  live::TopModel model({}, 1);
  sample(model, {"a \"b\""}, {1'000'001});
  const auto rows = model.rows(live::TopSort::Rate, "", 10);
  const auto json = nlohmann::json::parse(live::top_json({"x_total", "Help.", {"comm"}}, model, rows, 12.5));
  REQUIRE(json["metric"] == "x_total");
  REQUIRE(json["time"] == 12.5);
  REQUIRE(json["series"] == 1);
  REQUIRE(json["rows"][0]["labels"]["comm"] == "a \"b\"");
  REQUIRE(json["rows"][0]["total"] == 1'000'001);
  REQUIRE(json["rows"][0]["rate"] == 500'000.5);
  REQUIRE_FALSE(json["rows"][0].contains("p50"));
}

TEST_CASE("a sample in Prometheus' format has cumulative buckets") {
  live::TopModel model(histogram(), 1e-9);
  sample(model, {"read"}, {3, 4, 2, 5000, 0});
  REQUIRE(live::top_prometheus({"x_seconds", "Help.", {"call"}}, model, model.rows(live::TopSort::Rate, "", 10)) ==
          "# HELP x_seconds Help.\n"
          "# TYPE x_seconds histogram\n"
          "x_seconds_bucket{call=\"read\",le=\"1e-06\"} 3\n"
          "x_seconds_bucket{call=\"read\",le=\"2e-06\"} 7\n"
          "x_seconds_bucket{call=\"read\",le=\"+Inf\"} 9\n"
          "x_seconds_sum{call=\"read\"} 5e-06\n"
          "x_seconds_count{call=\"read\"} 9\n");
}
