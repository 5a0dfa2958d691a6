#include "expose/dispatcher.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <exception>

namespace tpx::expose {
namespace {

/// Counts one more for as long as it lives, unless that would be too many.
class Slot {
 public:
  Slot(std::atomic<std::size_t>& count, std::size_t most) : count_(count), taken_(count.fetch_add(1) < most) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { count_.fetch_sub(1); }
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  std::atomic<std::size_t>& count_;
  bool taken_;
};

}  // namespace

void Dispatcher::answer(const Request& request, HttpResponse& response, const WebPolicy& policy) {
  const std::string* authorization = request.header("Authorization");
  if (!policy.auth->allows(authorization == nullptr ? "" : *authorization)) {
    response.begin(401, {{"Content-Type", "text/plain; charset=utf-8"}, {"WWW-Authenticate", "Basic"}});
    response.write("Unauthorized\n");
    return;
  }
  const auto route =
      std::find_if(routes_.begin(), routes_.end(), [&](const Route& r) { return r.path == request.path; });
  if (route == routes_.end()) {
    response.send_text(404, "404 page not found\n");
    return;
  }
  const std::string& method = request.method == "HEAD" ? std::string("GET") : request.method;
  if (std::find(route->methods.begin(), route->methods.end(), method) == route->methods.end()) {
    std::string allowed;
    for (const std::string& name : route->methods) {
      allowed += (allowed.empty() ? "" : ", ") + name + (name == "GET" ? ", HEAD" : "");
    }
    response.begin(405, {{"Content-Type", "text/plain; charset=utf-8"}, {"Allow", allowed}});
    response.write("Method not allowed; use " + allowed + "\n");
    return;
  }
  if (!route->scrape) {
    run(*route, request, response);
    return;
  }
  const Slot slot(scrapes_, max_scrapes_);
  if (slot.taken()) {
    run(*route, request, response);
    return;
  }
  response.begin(503, {{"Content-Type", "text/plain; charset=utf-8"}, {"Retry-After", "1"}});
  response.write("Too many scrapes at once; at most " + std::to_string(max_scrapes_) + " are served.\n");
}

void Dispatcher::run(const Route& route, const Request& request, HttpResponse& response) {
  try {
    route.handler(request, response);
    if (response.status() == 0) {
      handler_failed(request, "it gave no answer");
      response.send_text(500, "Internal error, see the log.\n");
    }
    return;
  } catch (const std::exception& error) {
    handler_failed(request, error.what());
  } catch (...) {
    handler_failed(request, "an unknown exception");
  }
  if (response.sent()) {
    response.abort();
    return;
  }
  response.reset();
  response.send_text(500, "Internal error, see the log.\n");
}

void Dispatcher::handler_failed(const Request& request, const char* what) const {
  if (log_) {
    log_->error("{} {} from {} failed: {}", request.method, request.path, request.remote, what);
  }
}

}  // namespace tpx::expose
