#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "page/layout.h"
#include "page/loss_history.h"
#include "service/status.h"

namespace tpx::page {

/// Series in use beside the limit, from which a metric counts as nearly full.
inline constexpr double kNearlyFull = 0.9;

/// One thing that needs a person now, with the metrics that it concerns.
struct Cause {
  enum class Severity : std::uint8_t { Warning, Error };
  Severity severity = Severity::Error;
  std::string title;  ///< `Losing events`
  std::string text;   ///< `1,234 events lost to recursion in the last 5 minutes`
  std::string fix;    ///< what to do; may be ""
  std::vector<std::string> metrics = {};
};

/// Everything that is wrong now: one entry for each cause, however many metrics it has. What was lost earlier than `losses` goes
/// back is not in it.
[[nodiscard]] std::vector<Cause> causes(const PageInfo& info, const service::ExporterStatus& status,
                                        const RecentLosses& losses);

/// Used share of the series that there is room for; 0 for metrics without labels.
[[nodiscard]] double fullness(const service::MetricStatus& metric);

/// Whether events go to the series `other`, or soon will.
[[nodiscard]] bool is_full(const service::MetricStatus& metric, const RecentLosses& losses);

/// `the last 5 minutes`, `the last 42 s`.
[[nodiscard]] std::string span_text(const RecentLosses& losses);

/// The causes as HTML: one line each, which opens to show what to do; or one line that all is well.
[[nodiscard]] std::string health_strip(const std::vector<Cause>& causes, const service::ExporterStatus& status,
                                       const RecentLosses& losses);

}  // namespace tpx::page
