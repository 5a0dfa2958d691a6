#include "page/status_json.h"

#include <cmath>

#include "live/json.h"
#include "page/health.h"
#include "page/html.h"
#include "page/landing_page.h"

namespace tpx::page {
namespace {

using live::json_array;
using live::json_string;
using live::JsonObject;

std::string number(double value) {
  return std::isfinite(value) ? small_number(value) : "null";
}

std::string texts(const std::vector<std::string>& all) {
  return json_array(all, [](const std::string& text) { return json_string(text); });
}

std::string counts(const std::map<std::string, std::uint64_t>& all) {
  JsonObject out;
  for (const auto& [name, count] : all) {
    out.count(name, count);
  }
  return out.done();
}

std::string cause(const Cause& cause) {
  return JsonObject()
      .text("severity", cause.severity == Cause::Severity::Error ? "error" : "warning")
      .text("title", cause.title)
      .text("text", cause.text)
      .text("fix", cause.fix)
      .raw("metrics", texts(cause.metrics))
      .done();
}

std::string metric(const service::MetricStatus& metric, const service::ExporterStatus& status,
                   const RateHistory& history, const RecentLosses& losses) {
  const std::vector<double> rates = history.rates(metric.name);
  const auto recent = losses.lost.find(metric.name);
  const auto cost = service::nanoseconds_per_run(metric, status);
  return JsonObject()
      .text("name", metric.name)
      .text("help", metric.help)
      .text("type", metric.type)
      .truth("up", metric.up)
      .text("reason", metric.reason)
      .text("hint", metric.hint)
      .raw("tracepoints", texts(metric.tracepoints))
      .text("attach", metric.attach)
      .text("attach_reason", metric.attach_reason)
      .text("store", metric.store)
      .text("store_reason", metric.store_reason)
      .count("series", metric.series)
      .count("series_limit", metric.series_limit)
      .count("map_bytes", metric.map_bytes)
      .truth("counts_events", metric.counts_events)
      .raw("per_second", rates.empty() ? "null" : number(rates.back()))
      .raw("nanoseconds_per_run", cost ? number(*cost) : "null")
      .raw("lost_recently", counts(recent == losses.lost.end() ? RecentLosses::Counts{} : recent->second))
      .raw("lost_total", counts(metric.lost))
      .count("other_recently", losses.other_of(metric.name))
      .count("other_total", metric.other)
      .done();
}

}  // namespace

std::string status_json(const PageInfo& info, const service::ExporterStatus& status, const RateHistory& history,
                        const RecentLosses& losses, const service::LoadedConfiguration& configuration,
                        const service::LoadAttempt& attempt) {
  const std::string files = json_array(configuration.files, [](const auto& file) { return json_string(file.path); });
  const std::string loaded = JsonObject()
                                 .raw("files", files)
                                 .raw("loaded_at", std::to_string(configuration.loaded_at))
                                 .raw("last_attempt_at", std::to_string(attempt.at))
                                 .text("last_error", attempt.report)
                                 .done();
  const auto span = static_cast<std::uint64_t>(losses.span.count());
  const std::string data =
      JsonObject()
          .text("version", info.version)
          .text("hostname", info.hostname)
          .text("kernel", info.kernel)
          .count("uptime_seconds", info.up ? static_cast<std::uint64_t>(info.up->count()) : 0)
          .count("scrapers", status.scrapers)
          .raw("configuration", loaded)
          .count("recent_seconds", span)
          .raw("health", json_array(causes(info, status, losses), cause))
          .raw("metrics",
               json_array(status.metrics, [&](const auto& each) { return metric(each, status, history, losses); }))
          .done();
  return JsonObject().text("status", "success").raw("data", data).done() + "\n";
}

http::Handler status_json_handler(const Sources& sources) {
  return [sources](const http::Request&, http::Response& response) {
    const service::ExporterStatus now = sampled_status(sources.status, *sources.rates);
    const RecentLosses losses = sources.losses->recent(now, std::chrono::steady_clock::now());
    response.begin(
        200,
        {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}});
    response.write(
        status_json(sources.info(), now, *sources.rates, losses, sources.configuration(), sources.last_load()));
  };
}

}  // namespace tpx::page
