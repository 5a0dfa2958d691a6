#include "page/status_json.h"

#include <cmath>

#include "live/text_buffer.h"
#include "page/health.h"
#include "page/html.h"
#include "page/landing_page.h"

namespace tpx::page {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  live::append_json_string(out, text);
  return out;
}

std::string number(double value) {
  return std::isfinite(value) ? small_number(value) : "null";
}

/// An object under construction.
class Object {
 public:
  Object& text(std::string_view name, std::string_view value) { return raw(name, quoted(value)); }
  Object& count(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  Object& truth(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  Object& raw(std::string_view name, std::string_view json) {
    out_ += (out_.empty() ? "" : ",") + quoted(name) + ":" + std::string(json);
    return *this;
  }
  [[nodiscard]] std::string done() const { return "{" + out_ + "}"; }

 private:
  std::string out_;
};

template <class Range, class Write>
std::string array(const Range& range, Write write) {
  std::string out = "[";
  for (const auto& each : range) {
    out += (out.size() == 1 ? "" : ",") + write(each);
  }
  return out + "]";
}

std::string texts(const std::vector<std::string>& all) {
  return array(all, [](const std::string& text) { return quoted(text); });
}

std::string counts(const std::map<std::string, std::uint64_t>& all) {
  Object out;
  for (const auto& [name, count] : all) {
    out.count(name, count);
  }
  return out.done();
}

std::string cause(const Cause& cause) {
  return Object()
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
  return Object()
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
  const std::string files = array(configuration.files, [](const auto& file) { return quoted(file.path); });
  const std::string loaded = Object()
                                 .raw("files", files)
                                 .raw("loaded_at", std::to_string(configuration.loaded_at))
                                 .raw("last_attempt_at", std::to_string(attempt.at))
                                 .text("last_error", attempt.report)
                                 .done();
  const auto span = static_cast<std::uint64_t>(losses.span.count());
  const std::string data =
      Object()
          .text("version", info.version)
          .text("hostname", info.hostname)
          .text("kernel", info.kernel)
          .count("uptime_seconds", info.up ? static_cast<std::uint64_t>(info.up->count()) : 0)
          .count("scrapers", status.scrapers)
          .raw("configuration", loaded)
          .count("recent_seconds", span)
          .raw("health", array(causes(info, status, losses), cause))
          .raw("metrics",
               array(status.metrics, [&](const auto& each) { return metric(each, status, history, losses); }))
          .done();
  return Object().text("status", "success").raw("data", data).done() + "\n";
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
