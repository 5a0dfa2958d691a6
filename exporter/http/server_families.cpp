#include "http/server_families.h"

#include <string>
#include <utility>

namespace tpx::http {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(const std::string& name, const std::string& help, MetricType type) {
  MetricFamily made;
  made.name = "tracepoint_exporter_" + name;
  made.help = help;
  made.type = type;
  return made;
}

void add(MetricFamily& to, std::vector<prometheus::ClientMetric::Label> labels, std::uint64_t value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  (to.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = static_cast<double>(value);
  to.metric.push_back(std::move(metric));
}

}  // namespace

std::vector<MetricFamily> server_families(const HttpStatistics& http, std::uint64_t lost_log_messages) {
  MetricFamily connections = family("http_connections", "Open client connections.", MetricType::Gauge);
  add(connections, {}, http.connections.load());
  MetricFamily buffered =
      family("http_buffered_bytes", "Bytes of responses that are buffered for clients.", MetricType::Gauge);
  add(buffered, {}, http.buffered_bytes.load());
  MetricFamily drops =
      family("http_connections_dropped_total", "Connections that the server closed, by reason.", MetricType::Counter);
  for (std::size_t i = 0; i < kDropNames.size(); ++i) {
    add(drops, {{"reason", kDropNames[i]}}, http.drops(static_cast<Drop>(i)));
  }
  MetricFamily requests = family("http_requests_total", "Requests answered, by status code.", MetricType::Counter);
  for (const auto& [status, count] : http.answers()) {
    add(requests, {{"code", std::to_string(status)}}, count);
  }
  MetricFamily lost = family("log_messages_lost_total", "Log messages dropped because standard error was blocked.",
                             MetricType::Counter);
  add(lost, {}, lost_log_messages);
  std::vector<MetricFamily> all{std::move(connections), std::move(buffered), std::move(drops), std::move(lost)};
  if (!requests.metric.empty()) {
    all.push_back(std::move(requests));
  }
  return all;
}

}  // namespace tpx::http
