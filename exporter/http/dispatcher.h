#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "http/access.h"
#include "http/message.h"
#include "http/response.h"

namespace tpx::http {

/// Passes a request to its handler after checking authentication, path, method and origin. Thread-safe.
class Dispatcher {
 public:
  /// `log` may be null.
  Dispatcher(std::vector<Route> routes, std::chrono::milliseconds failed_login_delay,
             std::shared_ptr<spdlog::logger> log)
      : routes_(std::move(routes)), failed_login_delay_(failed_login_delay), log_(std::move(log)) {}

  /// Whether the request counts among the scrapes.
  [[nodiscard]] bool is_scrape(const Request& request) const;
  /// Answers: 301, 401, 403, 404, 405, what the handler says, or 500 for what it throws (once an answer has begun, its end
  /// is left out, so that the client knows). Throws only what building an answer of its own may.
  void answer(const Request& request, HttpResponse& response, const WebPolicy& policy);

 private:
  [[nodiscard]] bool allowed(const Request& request, HttpResponse& response, const WebPolicy& policy) const;
  void run(const Route& route, const Request& request, HttpResponse& response);
  void handler_failed(const Request& request, const char* what) const;

  const std::vector<Route> routes_;
  const std::chrono::milliseconds failed_login_delay_;
  const std::shared_ptr<spdlog::logger> log_;
};

}  // namespace tpx::http
