#pragma once

#include <string>

#include "http/message.h"
#include "page/layout.h"
#include "page/loss_history.h"
#include "page/rate_history.h"
#include "page/sources.h"
#include "service/status.h"

namespace tpx::page {

/// What the reader asked the status page for.
struct LandingView {
  std::string query;             ///< shows the metrics that match alone; see matches()
  unsigned refresh_seconds = 0;  ///< 0: it does not reload itself
};

/// The status page: what is wrong now, and a compact row for each metric, by groups.
[[nodiscard]] std::string landing_page(const PageInfo& info, const service::ExporterStatus& status,
                                       const RateHistory& history, const RecentLosses& losses,
                                       const LandingView& view = {});

/// The handler of `/`: samples the rates, reads `?q=WORDS` and `?refresh=SECONDS` (1 to 3600). The first visit in a while takes
/// a moment, as it looks more than once, a third of a second apart: its rates are those of now.
[[nodiscard]] http::Handler landing_page_handler(const Sources& sources);

/// The status now, with rates of now in `history`: samples it, as often as it takes.
[[nodiscard]] service::ExporterStatus sampled_status(const service::StatusSource& status, RateHistory& history);

}  // namespace tpx::page
