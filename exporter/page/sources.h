#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http/message.h"
#include "kernel/kernel.h"
#include "page/layout.h"
#include "page/loss_history.h"
#include "page/rate_history.h"
#include "service/service.h"

namespace tpx::page {

/// Where the pages get what they show. All functions are called from several threads at once.
struct Sources {
  std::function<PageInfo()> info;
  service::StatusSource status;
  std::function<std::optional<service::MetricDetail>(const std::string&)> detail;
  std::function<service::LoadedConfiguration()> configuration;
  std::function<service::LoadAttempt()> last_load;
  std::shared_ptr<RateHistory> rates;
  std::shared_ptr<LossHistory> losses;
  std::shared_ptr<std::jthread> sampler;  ///< of `losses`; null: it is fed otherwise
  kernel::Paths paths;
};

/// Limits how many pages that read maps or kernel files are made at once, so that they leave threads and memory to scrapes.
class Turnstile {
 public:
  explicit Turnstile(unsigned most) : most_(most) {}

  /// The handler behind the turnstile: a request too many is answered with 503 at once.
  [[nodiscard]] static http::Handler guard(const std::shared_ptr<Turnstile>& turnstile, http::Handler handler);

 private:
  const unsigned most_;
  std::atomic<unsigned> inside_ = 0;
};

/// All pages, for a server whose metrics have a path other than `/`: `/`, `/metric/NAME`, `/api/v1/status`, `/config`,
/// `/tracepoints` and, where PageInfo::lifecycle is set, `/try`.
[[nodiscard]] std::vector<http::Route> page_routes(const Sources& sources);

}  // namespace tpx::page
