#pragma once

#include <string>
#include <vector>

#include "http/message.h"
#include "page/layout.h"
#include "page/sources.h"
#include "service/metric_detail.h"

namespace tpx::page {

/// A PromQL expression that answers a question about a metric.
struct Recipe {
  std::string question;
  std::string expression;
};

/// What people ask of a metric of this type and these labels.
[[nodiscard]] std::vector<Recipe> recipes(const service::MetricDetail& detail);

/// The lines of `text` from number `first` (from 1) that belong to one list entry: all that are indented deeper than its dash, or
/// than itself. At most 100; "" when there is no such line.
[[nodiscard]] std::string entry_lines(std::string_view text, std::uint32_t first);

/// What the page of one metric shows: two looks at it, `seconds` apart, for the rates of its series.
struct MetricView {
  service::MetricDetail before;
  service::MetricDetail now;
  double seconds = 1;
  bool by_rate = false;       ///< series with the highest rates first
  std::string configuration;  ///< its lines in the file
};

/// The page of one metric.
[[nodiscard]] std::string metric_page(const PageInfo& info, const MetricView& view, const RecentLosses& losses);

/// The handler of `/metric/NAME`; takes a second, as it looks twice. `?sort=rate` sorts by rates.
[[nodiscard]] http::Handler metric_page_handler(const Sources& sources);

}  // namespace tpx::page
