#include "page/landing_page.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <thread>

#include "page/html.h"
#include "page/landing_page_style.h"

namespace tpx::page {
namespace {

constexpr double kNearlyFull = 0.9;
constexpr unsigned kSlowestRefresh = 3600;
constexpr std::chrono::milliseconds kLook{300};  // above RateHistory's spacing

/// Used share of the series that there is room for; 0 for metrics without labels.
double fullness(const service::MetricStatus& metric) {
  if (metric.series_limit <= 1) {
    return 0;
  }
  return static_cast<double>(metric.series) / static_cast<double>(metric.series_limit);
}

bool is_full(const service::MetricStatus& metric) {
  return metric.up && (fullness(metric) >= kNearlyFull || metric.other > 0);
}

double last_rate(const std::vector<double>& rates) {
  return rates.empty() ? 0 : rates.back();
}

std::string tile(const std::string& value, const std::string& what, const std::string& state = {}) {
  return "<div class=\"tile " + state + "\"><b>" + value + "</b><span>" + what + "</span></div>";
}

std::string tiles(const service::ExporterStatus& status, const RateHistory& history) {
  std::size_t up = 0;
  std::uint64_t series = 0;
  std::uint64_t lost = 0;
  std::uint64_t bytes = 0;
  double rate = 0;
  bool known = false;
  for (const service::MetricStatus& metric : status.metrics) {
    const auto rates = history.rates(metric.name);
    up += metric.up ? 1 : 0;
    series += metric.series;
    lost += service::total_lost(metric);
    bytes += metric.map_bytes;
    rate += metric.counts_events ? last_rate(rates) : 0;
    known |= !rates.empty();
  }
  const std::size_t all = status.metrics.size();
  return "<section class=\"tiles\" aria-label=\"Summary\">" +
         tile(std::to_string(up) + " / " + std::to_string(all), "metrics counting", up < all ? "bad" : "") +
         tile(known ? short_number(rate) : "–", "events a second") + tile(grouped(series), "series") +
         tile(grouped(lost), "events lost", lost > 0 ? "bad" : "") + tile(short_bytes(bytes), "kernel memory in maps") +
         "</section>";
}

std::string note(const std::string& kind, const std::string& text, const std::string& fix) {
  return "<div class=\"note " + kind + "\"><p>" + text + "</p>" +
         (fix.empty() ? "" : "<p class=\"fix\">" + fix + "</p>") + "</div>";
}

std::string named(const service::MetricStatus& metric) {
  return "<code>" + html_escape(metric.name) + "</code>";
}

/// What to do about lost events; "" where only the metric's own hint can say it.
std::string fix_of_loss(const std::string& reason) {
  if (reason == "recursion") {
    return "The kernel skips a program for an event that fires while a program runs on the same CPU. Before Linux "
           "7.0, tracepoints that attach by tp_btf lose fewer events.";
  }
  if (reason == "negative_value") {
    return "A counter can’t take negative values: leave them out by a <code>filter</code>, or use a gauge.";
  }
  if (reason == "pair_collision") {
    return "Two keys shared a slot at the same time: a key of fewer values, or a <code>filter</code> on "
           "<code>from</code>, makes that rarer.";
  }
  return "";
}

std::string losing_note(const service::MetricStatus& metric) {
  if (service::total_lost(metric) == 0) {
    return "";
  }
  std::string reasons;
  std::string fixes = metric.up ? html_escape(metric.hint) : "";
  for (const auto& [reason, count] : metric.lost) {
    if (count > 0) {
      reasons += (reasons.empty() ? "" : ", ") + grouped(count) + " " + html_escape(reason);
      fixes += (fixes.empty() ? "" : " ") + fix_of_loss(reason);
    }
  }
  return note("", "<strong>Losing events:</strong> " + named(metric) + " (" + reasons + ").", fixes);
}

std::string full_note(const service::MetricStatus& metric) {
  if (!is_full(metric)) {
    return "";
  }
  const std::string what = metric.other > 0 ? grouped(metric.other) + " events went to the series “other”"
                                            : "nearly all of its series are in use";
  return note("warn", "<strong>Out of room:</strong> " + named(metric) + ": " + what + ". Sums stay exact.",
              "To tell them apart: raise <code>max_series</code>, or use fewer labels or a <code>filter</code>.");
}

/// What needs a person: metrics that don't count, are full, or lose events.
std::string notes(const PageInfo& info, const service::ExporterStatus& status) {
  std::string out;
  if (!info.reload_successful) {
    out += note("",
                "<strong>The last reload failed.</strong> The previous configuration stays in use. " +
                    html_escape(info.reload_error),
                "<code>tracepoint_exporter check</code> shows all errors.");
  }
  std::string losing;
  std::string full;
  for (const service::MetricStatus& metric : status.metrics) {
    if (!metric.up) {
      out += note("", "<strong>Not counting:</strong> " + named(metric) + ". " + html_escape(metric.reason),
                  metric.hint.empty() ? "" : "To fix it: " + html_escape(metric.hint));
    }
    losing += losing_note(metric);
    full += full_note(metric);
  }
  return out + losing + full;
}

std::string state_pill(const service::MetricStatus& metric) {
  if (!metric.up) {
    return "<span class=\"pill down\">✕ down</span>";
  }
  return is_full(metric) ? "<span class=\"pill full\">▲ full</span>" : "<span class=\"pill up\">● up</span>";
}

std::string details(const std::string& title, const std::string& text) {
  if (text.empty()) {
    return html_escape(title);
  }
  return "<details><summary>" + html_escape(title) + "</summary><p>" + html_escape(text) + "</p></details>";
}

std::string cell(const std::string& label, const std::string& content, const std::string& kind = {}) {
  return "<td data-label=\"" + label + "\"" + (kind.empty() ? "" : " class=\"" + kind + "\"") + "><div>" + content +
         "</div></td>";
}

std::string events_cell(const service::MetricStatus& metric, const std::vector<double>& rates) {
  if (rates.empty()) {
    return "<span class=\"soft\">–</span>";
  }
  const double highest = *std::max_element(rates.begin(), rates.end());
  const std::string what = metric.counts_events ? "events a second of " : "what is added a second to ";
  const std::string label = what + metric.name + ", now " + short_number(rates.back()) + ", at most " +
                            short_number(highest) + " over the last " + std::to_string(rates.size()) + " samples";
  const std::string unit = metric.counts_events ? "" : " <span class=\"soft\">sum/s</span>";
  return short_number(rates.back()) + unit + sparkline(rates, label);
}

std::string series_cell(const service::MetricStatus& metric) {
  if (metric.series_limit <= 1) {
    return "<span class=\"soft\">no labels</span>";
  }
  const std::string label = grouped(metric.series) + " of " + grouped(metric.series_limit) + " series in use";
  return grouped(metric.series) + " <span class=\"soft\">of " + grouped(metric.series_limit) + "</span>" +
         usage_bar(fullness(metric), fullness(metric) >= kNearlyFull ? "near" : "ok", label);
}

std::string row(const service::MetricStatus& metric, const service::ExporterStatus& status,
                const RateHistory& history) {
  std::string from;
  for (const std::string& tracepoint : metric.tracepoints) {
    from += (from.empty() ? "" : ", ") + html_escape(tracepoint);
  }
  std::string out = "<tr><td><div class=\"name\">" + html_escape(metric.name) + "</div><div class=\"from\">" +
                    html_escape(metric.type) + (from.empty() ? "" : " · ") + from + "</div></td>" +
                    cell("State", state_pill(metric));
  if (!metric.up) {
    return out + "<td colspan=\"" + (status.statistics ? "6" : "5") + "\"><div>" + html_escape(metric.reason) +
           "</div><div class=\"soft\">" + html_escape(metric.hint) + "</div></td></tr>";
  }
  const std::uint64_t lost = service::total_lost(metric);
  out += cell("Events a second", events_cell(metric, history.rates(metric.name)), "num");
  out += cell("Series", series_cell(metric), "num");
  // Not "0" where this kernel does not say how many events a program missed.
  const std::string none = metric.lost.contains("unknown") ? "unknown" : "0";
  out += cell("Lost", lost > 0 ? "<span class=\"alert\">" + grouped(lost) + "</span>" : none, "num");
  if (status.statistics) {
    const auto cost = service::nanoseconds_per_run(metric, status);
    out += cell("Cost an event", cost ? short_number(*cost) + " ns" : "–", "num");
  }
  out += cell("Attached by", details(metric.attach, metric.attach_reason));
  return out + cell("Store", details(metric.store, metric.store_reason)) + "</tr>";
}

std::string table(const service::ExporterStatus& status, const RateHistory& history) {
  if (status.metrics.empty()) {
    return "<div class=\"empty\">No metric is configured. Write one into the configuration file and reload.</div>";
  }
  std::string out =
      "<h2>Metrics</h2><table><thead><tr><th>Metric</th><th>State</th><th class=\"num\">Events/s</th><th "
      "class=\"num\">Series</th><th class=\"num\">Lost</th>";
  out += status.statistics ? "<th class=\"num\">Cost/event</th>" : "";
  out += "<th>Attached by</th><th>Store</th></tr></thead><tbody>";
  for (const bool up : {false, true}) {  // what is down comes first
    for (const service::MetricStatus& metric : status.metrics) {
      if (metric.up == up) {
        out += row(metric, status, history);
      }
    }
  }
  return out + "</tbody></table>";
}

std::string page_header(const PageInfo& info, unsigned refresh_seconds) {
  std::string where = html_escape(info.hostname);
  const auto add = [&where](const std::string& text) {
    where += (where.empty() || text.empty() ? "" : " · ") + html_escape(text);
  };
  add(info.kernel.empty() ? "" : "Linux " + info.kernel);
  add(info.up ? "up " + short_duration(static_cast<std::uint64_t>(info.up->count())) : "");
  const auto link = [](const std::string& to, const std::string& text) {
    return "<a href=\"" + html_escape(to) + "\">" + text + "</a>";
  };
  return "<header><div><div><h1>tracepoint_exporter<small>" + html_escape(info.version) +
         "</small></h1><div class=\"host\">" + where + "</div></div><nav aria-label=\"Links\">" +
         link(info.metrics_path, "Metrics") + link(info.route_prefix + "/-/healthy", "Healthy") +
         link(info.route_prefix + "/-/ready", "Ready") +
         (info.documentation.empty() ? "" : link(info.documentation, "Documentation")) +
         (refresh_seconds > 0 ? link("/", "Stop refreshing") : link("/?refresh=5", "Refresh every 5 s")) +
         "</nav></div></header>";
}

unsigned refresh_of(const http::Request& request) {
  const std::string text = request.parameter("refresh").value_or("");
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool good = error == std::errc{} && end == text.data() + text.size() && seconds <= kSlowestRefresh;
  return good ? seconds : 0;
}

/// `sha256-…` of the style sheet, as a Content-Security-Policy names it.
std::string style_hash() {
  const std::string_view style = landing_page_style();
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(style.data(), style.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, 45> text{};  // 44 characters of base64 and a NUL
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return "sha256-" + std::string(text.begin(), text.begin() + length);
}

}  // namespace

std::string landing_page(const PageInfo& info, const service::ExporterStatus& status, const RateHistory& history,
                         unsigned refresh_seconds) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  if (refresh_seconds > 0) {
    out += "<meta http-equiv=\"refresh\" content=\"" + std::to_string(refresh_seconds) + "\">";
  }
  out += "<title>tracepoint_exporter" + (info.hostname.empty() ? "" : " on " + html_escape(info.hostname)) + "</title>";
  out += "<link rel=\"icon\" href=\"data:,\"><style>";
  out += landing_page_style();
  out += "</style></head><body>" + page_header(info, refresh_seconds) + "<main>";
  out += tiles(status, history) + notes(info, status) + table(status, history);
  out += "</main><footer>";
  out += info.config.empty() ? "" : "Configuration: <code>" + html_escape(info.config) + "</code>. ";
  out += status.statistics
             ? "Costs are means of a program’s run; a program that serves several metrics runs once for all."
             : "Costs show while BPF statistics are on (<code>sysctl kernel.bpf_stats_enabled=1</code>).";
  out += "</footer></body></html>\n";
  return out;
}

http::Headers landing_page_headers() {
  return {{"Content-Type", "text/html; charset=utf-8"},
          {"Cache-Control", "no-store"},
          {"Content-Security-Policy", "default-src 'none'; style-src '" + style_hash() +
                                          "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors "
                                          "'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"}};
}

http::Handler landing_page_handler(std::function<PageInfo()> info, service::StatusSource status,
                                   std::shared_ptr<RateHistory> history) {
  return [info = std::move(info), status = std::move(status), history = std::move(history)](
             const http::Request& request, http::Response& response) {
    service::ExporterStatus now = status();
    std::size_t missing = history->missing(std::chrono::steady_clock::now());
    history->sample(now, std::chrono::steady_clock::now());
    for (; missing > 0; --missing) {
      std::this_thread::sleep_for(kLook);
      now = status();
      history->sample(now, std::chrono::steady_clock::now());
    }
    // Not before somebody looks: the first hash makes OpenSSL take three megabytes.
    response.begin(200, landing_page_headers());
    response.write(landing_page(info(), now, *history, refresh_of(request)));
  };
}

}  // namespace tpx::page
