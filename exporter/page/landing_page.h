#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "page/rate_history.h"
#include "service/status.h"

namespace tpx::page {

/// What the page says besides the metrics' states.
struct PageInfo {
  std::string version;
  std::string hostname;
  std::string kernel;
  std::string route_prefix;  ///< of all paths; "" or without a '/' at its end
  std::string metrics_path = "/metrics";
  std::string documentation;               ///< where the link leads; "" leaves it out
  std::string config;                      ///< where the configuration comes from
  bool reload_successful = true;           ///< false: what runs is older than the files
  std::string reload_error;                ///< why
  std::optional<std::chrono::seconds> up;  ///< since the start
};

/// The status page: one HTML document without scripts or external assets, for any width, dark or light as the reader's
/// system is. `refresh_seconds` of 0: it does not reload itself.
[[nodiscard]] std::string landing_page(const PageInfo& info, const service::ExporterStatus& status,
                                       const RateHistory& history, unsigned refresh_seconds = 0);

/// The headers that go with it: type, no caching, and a Content-Security-Policy that allows this page's style alone.
[[nodiscard]] http::Headers landing_page_headers();

/// The handler of `/`: samples `history`, reads `?refresh=SECONDS` (1 to 3600). The first visit in a while takes a moment, as it
/// looks more than once, a third of a second apart: its rates are those of now.
[[nodiscard]] http::Handler landing_page_handler(std::function<PageInfo()> info, service::StatusSource status,
                                                 std::shared_ptr<RateHistory> history);

}  // namespace tpx::page
