#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "expose/http.h"
#include "expose/http_response.h"
#include "expose/web_config.h"

namespace tpx::expose {

/// From a request to its handler: authentication, path, method, scrapes in flight. Thread-safe.
class Dispatcher {
 public:
  /// `log` may be null.
  Dispatcher(std::vector<Route> routes, std::size_t max_scrapes, std::shared_ptr<spdlog::logger> log)
      : routes_(std::move(routes)), max_scrapes_(max_scrapes), log_(std::move(log)) {}

  /// Answers: 401, 404, 405, 503, what the handler says, or 500 for what it throws (once an answer has begun, its end is
  /// left out, so that the client knows). Throws only what building an answer of its own may.
  void answer(const Request& request, HttpResponse& response, const WebPolicy& policy);

 private:
  void run(const Route& route, const Request& request, HttpResponse& response);
  void handler_failed(const Request& request, const char* what) const;

  const std::vector<Route> routes_;
  const std::size_t max_scrapes_;
  const std::shared_ptr<spdlog::logger> log_;
  std::atomic<std::size_t> scrapes_ = 0;
};

}  // namespace tpx::expose
