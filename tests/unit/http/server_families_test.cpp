#include "http/server_families.h"

#include <map>

#include "catch.h"

using namespace tpx::http;

namespace {

/// Values by family and label text.
std::map<std::string, double> values(const std::vector<prometheus::MetricFamily>& families) {
  std::map<std::string, double> all;
  for (const prometheus::MetricFamily& family : families) {
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string key = family.name;
      for (const auto& label : metric.label) {
        key += " " + label.name + "=" + label.value;
      }
      all[key] = family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
  }
  return all;
}

}  // namespace

TEST_CASE("the HTTP server's counters are families of the exporter") {
  HttpStatistics statistics;
  statistics.connections = 3;
  statistics.buffered_bytes = 4096;
  statistics.dropped(Drop::Stalled);
  statistics.dropped(Drop::Stalled);
  statistics.dropped(Drop::Limit);
  statistics.answered(200);
  statistics.answered(200);
  statistics.answered(503);
  auto found = values(server_families(statistics, 7));
  const std::string prefix = "tracepoint_exporter_";
  CHECK(found.at(prefix + "http_connections") == 3);
  CHECK(found.at(prefix + "http_buffered_bytes") == 4096);
  CHECK(found.at(prefix + "log_messages_lost_total") == 7);
  CHECK(found.at(prefix + "http_requests_total code=200") == 2);
  CHECK(found.at(prefix + "http_requests_total code=503") == 1);
  for (const char* reason : kDropNames) {
    const double expected = std::string(reason) == "stalled" ? 2 : std::string(reason) == "limit" ? 1 : 0;
    CHECK(found.at(prefix + "http_connections_dropped_total reason=" + reason) == expected);
  }
}

TEST_CASE("an HTTP server that has answered nothing has no family of answers") {
  const auto found = values(server_families(HttpStatistics(), 0));
  CHECK(found.contains("tracepoint_exporter_http_connections"));
  for (const auto& [name, value] : found) {
    CHECK(name.find("http_requests_total") == std::string::npos);
    CHECK(value == 0);
  }
}
