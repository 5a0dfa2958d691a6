#include "page/health.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "page/html.h"

namespace tpx::page {
namespace {

using Severity = Cause::Severity;

constexpr std::size_t kMostCauses = 12;
constexpr std::size_t kNamesOnTheLine = 3;
constexpr std::size_t kMostNames = 40;

/// What to do about lost events; "" where only the metric's own hint can say it.
std::string fix_of_loss(const std::string& reason) {
  if (reason == "recursion") {
    return "The kernel skips a program for an event that fires while a program runs on the same CPU. Before Linux 7.0, "
           "tracepoints that attach by tp_btf lose fewer events.";
  }
  if (reason == "negative_value") {
    return "A counter can’t take negative values: leave them out by a filter, or use a gauge.";
  }
  if (reason == "pair_collision") {
    return "Two keys shared a slot at the same time: a key of fewer values, or a filter on from, makes that rarer.";
  }
  return "";
}

void add_not_counting(const service::ExporterStatus& status, std::vector<Cause>& out) {
  std::map<std::pair<std::string, std::string>, Cause> by_reason;
  for (const service::MetricStatus& metric : status.metrics) {
    if (!metric.up) {
      Cause& cause = by_reason[{metric.reason, metric.hint}];
      cause = {Severity::Error, "Not counting", metric.reason, metric.hint.empty() ? "" : "To fix it: " + metric.hint,
               std::move(cause.metrics)};
      cause.metrics.push_back(metric.name);
    }
  }
  for (auto& [key, cause] : by_reason) {
    out.push_back(std::move(cause));
  }
}

void add_losing(const service::ExporterStatus& status, const RecentLosses& losses, std::vector<Cause>& out) {
  struct Loss {
    std::uint64_t events = 0;
    std::vector<std::string> metrics;
    std::string hint;
  };
  std::map<std::string, Loss> by_reason;
  for (const service::MetricStatus& metric : status.metrics) {
    const auto found = losses.lost.find(metric.name);
    if (found == losses.lost.end()) {
      continue;
    }
    for (const auto& [reason, events] : found->second) {
      Loss& loss = by_reason[reason];
      loss.events += events;
      loss.metrics.push_back(metric.name);
      loss.hint = metric.up && !metric.hint.empty() ? metric.hint : loss.hint;
    }
  }
  for (auto& [reason, loss] : by_reason) {
    const std::string fix = fix_of_loss(reason);
    out.push_back({Severity::Error, "Losing events", grouped(loss.events) + " (" + reason + ") in " + span_text(losses),
                   loss.hint + (loss.hint.empty() || fix.empty() ? "" : " ") + fix, std::move(loss.metrics)});
  }
}

void add_full(const service::ExporterStatus& status, const RecentLosses& losses, std::vector<Cause>& out) {
  const std::string fix = "To tell them apart: raise max_series, or use fewer labels or a filter.";
  Cause full{Severity::Warning, "Out of room", "", fix};
  Cause nearly{Severity::Warning, "Nearly full", "nine tenths of the series are in use", fix};
  std::uint64_t events = 0;
  for (const service::MetricStatus& metric : status.metrics) {
    const std::uint64_t other = losses.other_of(metric.name);
    events += other;
    if (other > 0) {
      full.metrics.push_back(metric.name);
    } else if (is_full(metric, losses)) {
      nearly.metrics.push_back(metric.name);
    }
  }
  full.text = grouped(events) + " events went to the series “other” in " + span_text(losses) + "; sums stay exact";
  for (Cause* cause : {&full, &nearly}) {
    if (!cause->metrics.empty()) {
      out.push_back(std::move(*cause));
    }
  }
}

/// The first names, each as `shown` writes it, and how many more there are.
std::string names_of(const std::vector<std::string>& metrics, std::size_t most,
                     std::string (*shown)(std::string_view)) {
  std::string out;
  for (std::size_t i = 0; i < std::min(most, metrics.size()); ++i) {
    out += (i == 0 ? "" : ", ") + shown(metrics[i]);
  }
  return out + (metrics.size() > most ? " and " + grouped(metrics.size() - most) + " more" : "");
}

std::string line(const Cause& cause) {
  const bool error = cause.severity == Severity::Error;
  const std::string head = std::string("<span class=\"mark\">") + (error ? "✕" : "▲") + "</span> <strong>" +
                           html_escape(cause.title) + ":</strong> " + html_escape(cause.text) +
                           (cause.metrics.empty() ? "" : " · ");
  const bool all_shown = cause.metrics.size() <= kNamesOnTheLine;
  if (cause.fix.empty() && all_shown) {
    return std::string("<li class=\"") + (error ? "bad" : "warn") + "\"><p>" + head +
           names_of(cause.metrics, kNamesOnTheLine, metric_link) + "</p></li>";
  }
  // A link may not stand in a summary: a click would have two meanings.
  return std::string("<li class=\"") + (error ? "bad" : "warn") + "\"><details><summary>" + head + "<code>" +
         names_of(cause.metrics, kNamesOnTheLine, html_escape) + "</code></summary><p>" + html_escape(cause.fix) +
         "</p><p>" + names_of(cause.metrics, kMostNames, metric_link) + "</p></details></li>";
}

}  // namespace

double fullness(const service::MetricStatus& metric) {
  if (metric.series_limit <= 1) {
    return 0;
  }
  return static_cast<double>(metric.series) / static_cast<double>(metric.series_limit);
}

bool is_full(const service::MetricStatus& metric, const RecentLosses& losses) {
  return metric.up && (fullness(metric) >= kNearlyFull || losses.other_of(metric.name) > 0);
}

std::string span_text(const RecentLosses& losses) {
  const auto seconds = static_cast<std::uint64_t>(losses.span.count());
  constexpr std::uint64_t kMinute = 60;
  return "the last " + (seconds < kMinute ? std::to_string(seconds) + " s" : counted(seconds / kMinute, "minute"));
}

std::vector<Cause> causes(const PageInfo& info, const service::ExporterStatus& status, const RecentLosses& losses) {
  std::vector<Cause> out;
  if (!info.reload_successful) {
    out.push_back({Severity::Error, "The last reload failed",
                   "the previous configuration stays in use. " + info.reload_error,
                   "`tracepoint_exporter check` shows all errors."});
  }
  add_not_counting(status, out);
  add_losing(status, losses, out);
  add_full(status, losses, out);
  return out;
}

std::string health_strip(const std::vector<Cause>& causes, const service::ExporterStatus& status,
                         const RecentLosses& losses) {
  std::string lines;
  for (std::size_t i = 0; i < std::min(kMostCauses, causes.size()); ++i) {
    lines += line(causes[i]);
  }
  if (causes.size() > kMostCauses) {
    lines += "<li class=\"warn\"><p>" + grouped(causes.size() - kMostCauses) +
             " more causes: see <a href=\"/api/v1/status\">/api/v1/status</a>.</p></li>";
  }
  if (causes.empty() && !status.metrics.empty()) {
    lines = "<li class=\"good\"><p><span class=\"mark\">●</span> " +
            (status.metrics.size() == 1 ? std::string("The metric counts")
                                        : "All " + grouped(status.metrics.size()) + " metrics count") +
            "; no events were lost in " + span_text(losses) + ".</p></li>";
  }
  return lines.empty() ? "" : "<section aria-label=\"Health\"><ul class=\"health\">" + lines + "</ul></section>";
}

}  // namespace tpx::page
