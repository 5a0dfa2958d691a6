#include "page/landing_page.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <map>
#include <thread>

#include "base/number.h"
#include "page/health.h"
#include "page/html.h"

namespace tpx::page {
namespace {

constexpr unsigned kSlowestRefresh = 3600;
constexpr std::chrono::milliseconds kLook{300};  // above RateHistory's spacing
constexpr std::size_t kFewMetrics = 8;           // so few need no groups

double last_rate(const std::vector<double>& rates) {
  return rates.empty() ? 0 : rates.back();
}

std::string tile(const std::string& value, const std::string& what, const std::string& state = {}) {
  return "<div class=\"tile " + state + "\"><b>" + value + "</b><span>" + what + "</span></div>";
}

std::string tiles(const service::ExporterStatus& status, const RateHistory& history, const RecentLosses& losses) {
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
    lost += losses.lost_of(metric.name);
    bytes += metric.map_bytes;
    rate += metric.counts_events ? last_rate(rates) : 0;
    known |= !rates.empty();
  }
  const std::size_t all = status.metrics.size();
  return "<section class=\"tiles\" aria-label=\"Summary\">" +
         tile(std::to_string(up) + " / " + std::to_string(all), "metrics counting", up < all ? "bad" : "") +
         tile(known ? short_number(rate) : "–", "events a second") + tile(grouped(series), "series") +
         tile(grouped(lost), "events lost in " + span_text(losses), lost > 0 ? "bad" : "") +
         tile(short_bytes(bytes), "kernel memory in maps") + "</section>";
}

/// The cells of a row know their heading, as a narrow screen has none above them.
std::string cell(const std::string& label, const std::string& content, const std::string& kind) {
  return "<td role=\"cell\" data-label=\"" + label + "\" class=\"" + kind + "\">" + content + "</td>";
}

std::string state_pill(const service::MetricStatus& metric, const RecentLosses& losses) {
  if (!metric.up) {
    return "<span class=\"pill down\">✕ down</span>";
  }
  if (losses.lost_of(metric.name) > 0) {
    return "<span class=\"pill down\">✕ losing</span>";
  }
  return is_full(metric, losses) ? "<span class=\"pill full\">▲ full</span>" : "<span class=\"pill up\">● up</span>";
}

std::string events_cell(const service::MetricStatus& metric, const std::vector<double>& rates) {
  if (rates.empty()) {
    return "<span class=\"soft\">–</span>";
  }
  const double highest = *std::max_element(rates.begin(), rates.end());
  const std::string what = metric.counts_events ? "events a second of " : "what is added a second to ";
  const std::string label = what + metric.name + ", now " + short_number(rates.back()) + ", at most " +
                            short_number(highest) + " over the last " + std::to_string(rates.size()) + " samples";
  const std::string unit = metric.counts_events ? "" : " <span class=\"soft\">sum</span>";
  return "<span class=\"now\">" + short_number(rates.back()) + unit + "</span>" + sparkline(rates, label);
}

std::string series_cell(const service::MetricStatus& metric) {
  if (metric.series_limit <= 1) {
    return "<span class=\"soft\">no labels</span>";
  }
  const std::string label = grouped(metric.series) + " of " + grouped(metric.series_limit) + " series in use";
  return "<span>" + grouped(metric.series) + " <span class=\"soft\">of " + grouped(metric.series_limit) +
         "</span></span>" + usage_bar(fullness(metric), fullness(metric) >= kNearlyFull ? "near" : "ok", label);
}

std::string name_cell(const service::MetricStatus& metric) {
  std::string from = html_escape(metric.type);
  if (!metric.tracepoints.empty()) {
    from += (from.empty() ? "" : " · ") + html_escape(metric.tracepoints.front());
    from += metric.tracepoints.size() > 1 ? " and " + grouped(metric.tracepoints.size() - 1) + " more" : "";
  }
  return "<td role=\"cell\" class=\"who\">" + metric_link(metric.name) + "<div class=\"from\">" + from + "</div></td>";
}

std::string row(const service::MetricStatus& metric, const service::ExporterStatus& status, const RateHistory& history,
                const RecentLosses& losses) {
  std::string out = "<tr role=\"row\" id=\"metric-" + html_escape(metric.name) + "\">" + name_cell(metric) +
                    cell("State", state_pill(metric, losses), "state");
  if (!metric.up) {
    return out + "<td role=\"cell\" class=\"why\" colspan=\"" + (status.statistics ? "4" : "3") + "\"><div>" +
           html_escape(metric.reason) + "</div><div class=\"soft\">" + html_escape(metric.hint) + "</div></td></tr>";
  }
  // Not "0" where this kernel does not say how many events a program missed.
  const std::string none = metric.lost.contains("unknown") ? "unknown" : "0";
  const std::uint64_t lost = losses.lost_of(metric.name);
  out += cell("Events a second", events_cell(metric, history.rates(metric.name)), "num rate");
  out += cell("Series", series_cell(metric), "num series");
  out += cell("Lost", lost > 0 ? "<span class=\"alert\">" + grouped(lost) + "</span>" : none,
              lost > 0 ? "num lost" : "num lost none");
  if (status.statistics) {
    const auto cost = service::nanoseconds_per_run(metric, status);
    out += cell("Cost an event", cost ? short_number(*cost) + " ns" : "–", "num cost");
  }
  return out + "</tr>";
}

/// Where a metric stands: by the category of its first tracepoint.
std::string group_of(const service::MetricStatus& metric) {
  if (!metric.up) {
    return "not counting";
  }
  const std::string first = metric.tracepoints.empty() ? "" : metric.tracepoints.front();
  const auto slash = first.find('/');
  return slash == std::string::npos ? "others" : first.substr(0, slash);
}

struct Group {
  std::string name;
  std::vector<const service::MetricStatus*> metrics;
};

/// What is not counting first, the rest by name.
std::vector<Group> groups_of(const service::ExporterStatus& status, const std::string& query) {
  std::map<std::pair<bool, std::string>, Group> groups;
  for (const service::MetricStatus& metric : status.metrics) {
    std::string text = metric.name + " " + metric.type + " " + metric.help;
    for (const std::string& tracepoint : metric.tracepoints) {
      text += " " + tracepoint;
    }
    if (matches(query, text)) {
      const std::string name = group_of(metric);
      Group& group = groups[{metric.up, name}];
      group.name = name;
      group.metrics.push_back(&metric);
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) {
    out.push_back(std::move(group));
  }
  return out;
}

std::string anchor(const Group& group) {
  std::string id = group.name;
  std::replace_if(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '-');
  return "group-" + id;
}

std::string jump_links(const std::vector<Group>& groups) {
  std::string out = "<nav class=\"jump\" aria-label=\"Groups of metrics\">";
  for (const Group& group : groups) {
    out += "<a href=\"#" + anchor(group) + "\">" + html_escape(group.name) + " <span>" + grouped(group.metrics.size()) +
           "</span></a>";
  }
  return out + "</nav>";
}

std::string table_head(const service::ExporterStatus& status) {
  std::string out =
      "<table role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\">Metric</th>"
      "<th role=\"columnheader\">State</th>";
  for (const char* name : {"Events/s", "Series", "Lost", "Cost/event"}) {
    if (status.statistics || std::string_view(name) != "Cost/event") {
      out += std::string("<th role=\"columnheader\" class=\"num\">") + name + "</th>";
    }
  }
  return out + "</tr></thead>";
}

std::string table(const service::ExporterStatus& status, const RateHistory& history, const RecentLosses& losses,
                  const std::vector<Group>& groups) {
  const bool few = status.metrics.size() <= kFewMetrics;
  std::string out = (few || groups.size() < 2 ? "" : jump_links(groups)) + table_head(status);
  for (const Group& group : groups) {
    out += "<tbody role=\"rowgroup\" id=\"" + anchor(group) + "\">";
    if (!few) {
      out += std::string("<tr role=\"row\" class=\"group\"><th role=\"rowheader\" scope=\"rowgroup\" colspan=\"") +
             (status.statistics ? "6" : "5") + "\"><h3>" + html_escape(group.name) + " <span>" +
             grouped(group.metrics.size()) + "</span></h3></th></tr>";
    }
    for (const service::MetricStatus* metric : group.metrics) {
      out += row(*metric, status, history, losses);
    }
    out += "</tbody>";
  }
  return out + "</table>";
}

std::string metrics_section(const service::ExporterStatus& status, const RateHistory& history,
                            const RecentLosses& losses, const LandingView& view) {
  if (status.metrics.empty()) {
    return "<div class=\"empty\">No metric is configured. Write one into the configuration file and reload.</div>";
  }
  std::string out =
      "<h2 id=\"metrics\">Metrics</h2>" + search_form("/", "Search metrics", "name, tracepoint or help", view.query);
  const std::vector<Group> groups = groups_of(status, view.query);
  std::size_t shown = 0;
  for (const Group& group : groups) {
    shown += group.metrics.size();
  }
  if (!view.query.empty()) {
    out += "<p class=\"soft\" role=\"status\">" + grouped(shown) + " of " + grouped(status.metrics.size()) +
           " metrics match “" + html_escape(view.query) + "”. <a href=\"/\">Show all</a></p>";
  }
  return out + (groups.empty() ? "" : table(status, history, losses, groups));
}

unsigned refresh_of(const http::Request& request) {
  const auto seconds = whole_number<unsigned>(request.parameter("refresh").value_or(""));
  return seconds && *seconds <= kSlowestRefresh ? *seconds : 0;
}

}  // namespace

std::string landing_page(const PageInfo& info, const service::ExporterStatus& status, const RateHistory& history,
                         const RecentLosses& losses, const LandingView& view) {
  Document document;
  document.section = Section::Metrics;
  document.refresh_seconds = view.refresh_seconds;
  const std::string query = view.query.empty() ? "" : "q=" + url_encode(view.query);
  document.refresh_link = view.refresh_seconds > 0 ? "/" + (query.empty() ? "" : "?" + query)
                                                   : "/?refresh=5" + (query.empty() ? "" : "&" + query);
  document.main = health_strip(causes(info, status, losses), status, losses) + tiles(status, history, losses) +
                  metrics_section(status, history, losses, view);
  document.footer = info.config.empty() ? "" : "Configuration: <code>" + html_escape(info.config) + "</code>. ";
  document.footer +=
      status.statistics ? "Costs are means of a program’s run; a program that serves several metrics runs once for all."
                        : "Costs show while BPF statistics are on (<code>sysctl kernel.bpf_stats_enabled=1</code>).";
  document.footer +=
      " <a href=\"/api/v1/status\">This page as JSON</a> · <a href=\"/-/healthy\">Healthy</a> · <a "
      "href=\"/-/ready\">Ready</a>";
  return render(info, document);
}

service::ExporterStatus sampled_status(const service::StatusSource& status, RateHistory& history) {
  service::ExporterStatus now = status();
  std::size_t missing = history.missing(std::chrono::steady_clock::now());
  history.sample(now, std::chrono::steady_clock::now());
  for (; missing > 0; --missing) {
    std::this_thread::sleep_for(kLook);
    now = status();
    history.sample(now, std::chrono::steady_clock::now());
  }
  return now;
}

http::Handler landing_page_handler(const Sources& sources) {
  return [sources](const http::Request& request, http::Response& response) {
    const service::ExporterStatus now = sampled_status(sources.status, *sources.rates);
    const RecentLosses losses = sources.losses->recent(now, std::chrono::steady_clock::now());
    // Not before somebody looks: the first hash makes OpenSSL take three megabytes.
    response.begin(200, page_headers());
    response.write(
        landing_page(sources.info(), now, *sources.rates, losses, {search_query(request), refresh_of(request)}));
  };
}

}  // namespace tpx::page
