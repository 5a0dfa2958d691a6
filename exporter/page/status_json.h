#pragma once

#include <string>

#include "http/message.h"
#include "page/layout.h"
#include "page/loss_history.h"
#include "page/rate_history.h"
#include "page/sources.h"

namespace tpx::page {

/// The status page as JSON, for programs: `{"status":"success","data":{…}}`, as Prometheus' own API answers. Times are in
/// seconds, sizes in bytes.
[[nodiscard]] std::string status_json(const PageInfo& info, const service::ExporterStatus& status,
                                      const RateHistory& history, const RecentLosses& losses,
                                      const service::LoadedConfiguration& configuration,
                                      const service::LoadAttempt& attempt);

/// The handler of `/api/v1/status`.
[[nodiscard]] http::Handler status_json_handler(const Sources& sources);

}  // namespace tpx::page
