#include "page/metric_page.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <unordered_map>

#include "base/text.h"
#include "base/words.h"
#include "page/health.h"
#include "page/html.h"

namespace tpx::page {
namespace {

using service::MetricDetail;

constexpr std::size_t kMostSeries = 20;
constexpr std::chrono::seconds kLook{1};
constexpr std::size_t kMostLines = 100;
constexpr std::string_view kPrefix = "/metric/";

std::string fact(const std::string& name, const std::string& html) {
  return html.empty() ? "" : "<div><dt>" + name + "</dt><dd>" + html + "</dd></div>";
}

std::string with_reason(const std::string& what, const std::string& why) {
  return html_escape(what) + (why.empty() ? "" : " <span class=\"soft\">" + html_escape(why) + "</span>");
}

std::string tracepoints(const service::MetricStatus& metric) {
  constexpr std::size_t kMost = 40;
  std::string out;
  for (std::size_t i = 0; i < std::min(kMost, metric.tracepoints.size()); ++i) {
    const std::string& name = metric.tracepoints[i];
    out += (i == 0 ? "" : ", ") +
           (name.find('/') == std::string::npos
                ? html_escape(name)
                : "<a href=\"/tracepoints?name=" + url_encode(name) + "\">" + html_escape(name) + "</a>");
  }
  return out +
         (metric.tracepoints.size() > kMost ? " and " + grouped(metric.tracepoints.size() - kMost) + " more" : "");
}

std::string counts(const std::map<std::string, std::uint64_t>& by_reason) {
  std::string out;
  for (const auto& [reason, count] : by_reason) {
    if (count > 0) {
      out += (out.empty() ? "" : ", ") + grouped(count) + " " + html_escape(reason);
    }
  }
  return out;
}

std::string lost(const service::MetricStatus& metric, const RecentLosses& losses) {
  const auto recent = losses.lost.find(metric.name);
  const std::string now = recent == losses.lost.end() ? "0" : counts(recent->second);
  const std::string ever = counts(metric.lost);
  const bool unknown = metric.lost.contains("unknown");
  return now + " in " + span_text(losses) + " <span class=\"soft\">" + (ever.empty() ? "0" : ever) +
         " since the start" + (unknown ? "; before Linux 6.7 the kernel does not count all losses" : "") + "</span>";
}

std::string facts(const MetricDetail& detail, const RecentLosses& losses) {
  const service::MetricStatus& metric = detail.status;
  std::string labels;
  for (const std::string& label : detail.label_names) {
    labels += (labels.empty() ? "" : ", ") + ("<code>" + html_escape(label) + "</code>");
  }
  std::string out =
      "<dl class=\"facts\">" + fact("Type", html_escape(metric.type)) + fact("Tracepoints", tracepoints(metric));
  if (metric.up) {
    out +=
        fact("Labels", labels.empty() ? "none" : labels) +
        fact("Attached by", with_reason(metric.attach, metric.attach_reason)) +
        fact("Store", with_reason(metric.store, metric.store_reason)) +
        fact("Series",
             metric.series_limit > 1 ? grouped(metric.series) + " of at most " + grouped(metric.series_limit) : "1") +
        fact("Memory of its maps", short_bytes(metric.map_bytes)) + fact("Events lost", lost(metric, losses));
    out += fact("Counted as “other”", metric.other > 0 ? grouped(metric.other) + " since the start" : "");
    out += fact("Unmatched", counts(metric.unmatched));
    out += fact("Failed reads of memory", metric.read_faults > 0 ? grouped(metric.read_faults) : "");
  }
  return out + "</dl>";
}

struct SeriesRow {
  const service::SeriesSample* sample = nullptr;
  double rate = 0;
};

std::vector<SeriesRow> top_series(const MetricView& view) {
  std::unordered_map<std::string_view, double> before;
  for (const service::SeriesSample& sample : view.before.series) {
    before.emplace(sample.labels, sample.value);
  }
  std::vector<SeriesRow> rows;
  for (const service::SeriesSample& sample : view.now.series) {
    const auto known = before.find(sample.labels);
    const double last = known == before.end() ? 0 : known->second;
    rows.push_back({&sample, std::max(0.0, sample.value - last) / view.seconds});
  }
  if (view.by_rate) {
    std::stable_sort(rows.begin(), rows.end(), [](const SeriesRow& a, const SeriesRow& b) { return a.rate > b.rate; });
  }
  rows.resize(std::min(rows.size(), kMostSeries));
  return rows;
}

std::string series_table(const MetricView& view) {
  const MetricDetail& detail = view.now;
  const bool gauge = detail.status.type == "gauge";
  const bool histogram = detail.status.type == "histogram";
  std::string out = "<h2 id=\"series\">Series</h2>";
  if (detail.series.empty()) {
    return out + "<p class=\"soft\">No event has been counted yet.</p>";
  }
  const std::string own = metric_url(detail.status.name);
  out += "<p class=\"soft\">" +
         std::string(detail.series.size() > kMostSeries ? "The first " + grouped(kMostSeries) + " of " : "") +
         grouped(detail.series.size()) + " series";
  out += detail.rows > MetricDetail::kMostRows ? ", which are the largest of " + grouped(detail.rows) : "";
  if (!gauge) {
    out += view.by_rate ? ", by rate. <a href=\"" + own + "#series\">Sort by value</a>"
                        : ", by value. <a href=\"" + own + "?sort=rate#series\">Sort by rate</a>";
  }
  out += "</p><table class=\"plain\"><thead><tr><th>Labels</th><th class=\"num\">" +
         std::string(histogram ? "Count" : "Value") + "</th>" + (histogram ? "<th class=\"num\">Mean</th>" : "") +
         (gauge ? "" : "<th class=\"num\">Per second</th>") + "</tr></thead><tbody>";
  for (const SeriesRow& row : top_series(view)) {
    const service::SeriesSample& sample = *row.sample;
    out += "<tr><td><code>{" + html_escape(sample.labels) + "}</code></td><td class=\"num\">" +
           short_number(sample.value) + "</td>";
    out += histogram ? "<td class=\"num\">" + small_number(sample.value > 0 ? sample.sum / sample.value : 0) + "</td>"
                     : "";
    out += (gauge ? "" : "<td class=\"num\">" + short_number(row.rate) + "</td>") + std::string("</tr>");
  }
  return out + "</tbody></table>";
}

/// From the first bucket with observations to the last.
std::string histogram_bars(const MetricDetail& detail) {
  double all = 0;
  double highest = 0;
  for (const double bucket : detail.buckets) {
    all += bucket;
    highest = std::max(highest, bucket);
  }
  if (all <= 0) {
    return "";
  }
  std::size_t first = 0;
  std::size_t last = detail.buckets.size() - 1;
  for (; detail.buckets[first] == 0; ++first) {
  }
  for (; detail.buckets[last] == 0; --last) {
  }
  std::string out =
      "<h2 id=\"histogram\">Distribution</h2><p class=\"soft\">All series since the start: " + short_number(all) +
      " observations, mean " + small_number(detail.sum / all) +
      ".</p><table class=\"plain bars\"><thead><tr><th class=\"num\">Up to</th><th>Observations</th><th "
      "class=\"num\">Count</th></tr></thead><tbody>";
  for (std::size_t i = first; i <= last; ++i) {
    const std::string bound = i < detail.bounds.size() ? small_number(detail.bounds[i]) : "+Inf";
    out += "<tr><td class=\"num\">" + bound + "</td><td>" +
           usage_bar(detail.buckets[i] / highest, "ok",
                     short_number(100 * detail.buckets[i] / all) + "% of the observations") +
           "</td><td class=\"num\">" + short_number(detail.buckets[i]) + "</td></tr>";
  }
  return out + "</tbody></table>";
}

std::string recipes_section(const MetricDetail& detail) {
  std::string out = "<h2 id=\"promql\">PromQL</h2><p class=\"soft\">One click selects an expression.</p>";
  for (const Recipe& recipe : recipes(detail)) {
    out +=
        "<p class=\"question\">" + html_escape(recipe.question) + "</p>" + copyable(recipe.expression, recipe.question);
  }
  return out;
}

std::string configuration_section(const MetricView& view) {
  const SourceLocation& at = view.now.at;
  if (at.file.empty()) {
    return "";
  }
  const std::string place = at.file + ":" + std::to_string(at.line);
  std::string out = "<h2 id=\"configuration\">Configuration</h2><p><a href=\"/config#" +
                    config_anchor(at.file, at.line) + "\"><code>" + html_escape(place) + "</code></a></p>";
  return out + (view.configuration.empty() ? "" : copyable(view.configuration, "The metric's configuration"));
}

void send_unknown(const Sources& sources, const std::string& name, http::Response& response) {
  std::vector<std::string> names;
  for (const service::MetricStatus& metric : sources.status().metrics) {
    names.push_back(metric.name);
  }
  std::string near;
  for (const std::string& candidate : nearest(name, names)) {
    near += (near.empty() ? " Did you mean " : " or ") + metric_link(candidate);
  }
  Document document;
  document.title = "No such metric";
  document.main = "<h2>No such metric</h2><p>No metric <code>" + html_escape(name.substr(0, 200)) +
                  "</code> is configured." + near + (near.empty() ? "" : "?") +
                  "</p><p><a href=\"/\">All metrics</a></p>";
  send_page(response, 404, sources.info(), document);
}

std::string configuration_of(const Sources& sources, const SourceLocation& at) {
  const service::LoadedConfiguration loaded = sources.configuration();
  const auto file =
      std::find_if(loaded.files.begin(), loaded.files.end(), [&](const auto& each) { return each.path == at.file; });
  return file == loaded.files.end() ? "" : entry_lines(file->text, at.line);
}

}  // namespace

std::vector<Recipe> recipes(const MetricDetail& detail) {
  const std::string& name = detail.status.name;
  const std::string by = joined(detail.label_names);
  const std::string sum = by.empty() ? "sum" : "sum by (" + by + ")";
  if (detail.status.type == "gauge") {
    return {{"Its value now", name}, {"Its maximum over the last hour", "max_over_time(" + name + "[1h])"}};
  }
  if (detail.status.type == "histogram") {
    const std::string le = by.empty() ? "le" : "le, " + by;
    return {{"Median and 99th percentile over all series",
             "histogram_quantile(0.5, sum by (le) (rate(" + name + "_bucket[5m])))"},
            {"99th percentile by its labels",
             "histogram_quantile(0.99, sum by (" + le + ") (rate(" + name + "_bucket[5m])))"},
            {"Mean", sum + " (rate(" + name + "_sum[5m])) / " + sum + " (rate(" + name + "_count[5m]))"},
            {"Observations a second", sum + " (rate(" + name + "_count[5m]))"}};
  }
  std::vector<Recipe> out = {{"A second, over all series", "sum(rate(" + name + "[5m]))"}};
  if (!by.empty()) {
    out.push_back({"The ten series with the highest rates", "topk(10, " + sum + " (rate(" + name + "[5m])))"});
  }
  out.push_back({"Over the last hour", sum + " (increase(" + name + "[1h]))"});
  return out;
}

std::string entry_lines(std::string_view text, std::uint32_t first) {
  const std::vector<std::string_view> lines = split(text, '\n');
  if (first == 0 || first > lines.size()) {
    return "";
  }
  const auto indent = [](std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); };
  std::size_t begin = first - 1;
  if (begin > 0 && trim(lines[begin - 1]) == "-") {
    --begin;  // the dash has a line of its own
  }
  const std::size_t depth = indent(lines[begin]);
  std::size_t end = begin + 1;
  for (; end < lines.size() && end - begin < kMostLines; ++end) {
    if (!trim(lines[end]).empty() && indent(lines[end]) <= depth) {
      break;
    }
  }
  while (end > begin + 1 && (trim(lines[end - 1]).empty() || trim(lines[end - 1]).starts_with('#'))) {
    --end;
  }
  std::string out;
  for (std::size_t i = begin; i < end; ++i) {
    out += std::string(lines[i].substr(std::min(depth, indent(lines[i])))) + "\n";
  }
  return out;
}

std::string metric_page(const PageInfo& info, const MetricView& view, const RecentLosses& losses) {
  const MetricDetail& detail = view.now;
  const service::MetricStatus& metric = detail.status;
  Document document;
  document.title = metric.name;
  document.section = Section::Metrics;
  document.main = "<p class=\"up-link\"><a href=\"/#metric-" + url_encode(metric.name) +
                  "\">All metrics</a></p><h2 class=\"title\"><code>" + html_escape(metric.name) + "</code></h2><p>" +
                  html_escape(metric.help) + "</p>";
  if (!metric.up) {
    document.main +=
        "<ul class=\"health\"><li class=\"bad\"><p><span class=\"mark\">✕</span> <strong>Not counting:</strong> " +
        html_escape(metric.reason) + "</p>" +
        (metric.hint.empty() ? "" : "<p>To fix it: " + html_escape(metric.hint) + "</p>") + "</li></ul>";
  }
  document.main += facts(detail, losses);
  if (detail.known) {
    document.main += series_table(view) + histogram_bars(detail) + recipes_section(detail);
  }
  document.main += configuration_section(view);
  return render(info, document);
}

http::Handler metric_page_handler(const Sources& sources) {
  return [sources](const http::Request& request, http::Response& response) {
    const std::string name = request.path.substr(std::min(kPrefix.size(), request.path.size()));
    MetricView view;
    auto first = sources.detail(name);
    if (!first) {
      send_unknown(sources, name, response);
      return;
    }
    view.before = std::move(*first);
    const auto begun = std::chrono::steady_clock::now();
    if (view.before.known && view.before.status.type != "gauge") {
      std::this_thread::sleep_for(kLook);
    }
    auto second = sources.detail(name);
    if (!second) {  // a reload took it away
      send_unknown(sources, name, response);
      return;
    }
    view.now = std::move(*second);
    view.seconds = std::max(0.001, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    view.by_rate = request.parameter("sort").value_or("") == "rate";
    view.configuration = configuration_of(sources, view.now.at);
    service::ExporterStatus status;
    status.metrics.push_back(view.now.status);
    const RecentLosses losses = sources.losses->recent(status, std::chrono::steady_clock::now());
    response.begin(200, page_headers());
    response.write(metric_page(sources.info(), view, losses));
  };
}

}  // namespace tpx::page
