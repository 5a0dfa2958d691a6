#include "http/dispatcher.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <exception>

#include "http/request_head.h"

namespace tpx::http {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

/// Whether a browser sent it on behalf of another site: such a request carries the user's credentials, but is not the
/// user's. As Go's http.CrossOriginProtection: Sec-Fetch-Site decides, or else Origin against Host; neither: no browser.
bool is_cross_site(const Request& request) {
  if (request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS") {
    return false;
  }
  if (const std::string* site = request.header("Sec-Fetch-Site")) {
    return *site != "same-origin" && *site != "none";
  }
  const std::string* origin = request.header("Origin");
  if (origin == nullptr) {
    return false;
  }
  const std::string* host = request.header("Host");
  const std::size_t scheme = origin->find("://");
  return host == nullptr || scheme == std::string::npos || origin->substr(scheme + 3) != *host;
}

bool serves(const Route& route, const std::string& path) {
  if (route.path.ends_with("/*")) {
    return path.starts_with(std::string_view(route.path).substr(0, route.path.size() - 1));
  }
  return route.path == path;
}

std::string allowed_methods(const Route& route) {
  std::string allowed;
  for (const std::string& name : route.methods) {
    allowed += name + (name == "GET" ? ", HEAD, " : ", ");
  }
  return allowed + "OPTIONS";
}

}  // namespace

bool Dispatcher::is_scrape(const Request& request) const {
  return std::any_of(routes_.begin(), routes_.end(),
                     [&](const Route& route) { return route.scrape && serves(route, request.path); });
}

bool Dispatcher::allowed(const Request& request, HttpResponse& response, const WebPolicy& policy) const {
  const std::string* authorization = request.header("Authorization");
  const std::string client = request.remote.substr(0, request.remote.rfind(':'));
  const auto answer = policy.auth->check(authorization == nullptr ? "" : *authorization, client);
  if (answer == BasicAuth::Answer::Allowed) {
    return true;
  }
  if (authorization != nullptr) {
    response.hold(failed_login_delay_);  // one guess in this time and connection; it costs no thread
  }
  if (answer == BasicAuth::Answer::TooMany) {
    response.begin(429, {{"Content-Type", std::string(kText)}, {"Retry-After", "1"}});
    response.write("Too many wrong passwords from this address.\n");
    return false;
  }
  response.begin(401, {{"Content-Type", std::string(kText)}, {"WWW-Authenticate", "Basic"}});
  response.write("Unauthorized\n");
  return false;
}

void Dispatcher::answer(const Request& request, HttpResponse& response, const WebPolicy& policy) {
  if (policy.rate && !policy.rate->allow(RateLimit::Clock::now())) {
    response.begin(429, {{"Content-Type", std::string(kText)},
                         {"Retry-After", std::to_string(policy.rate->retry_after().count())}});
    response.write("More requests than rate_limit of the web configuration allows.\n");
    return;
  }
  if (!allowed(request, response, policy)) {
    return;
  }
  if (request.path == "*") {  // OPTIONS *: what the server as a whole can do
    response.begin(204, {{"Allow", "GET, HEAD, OPTIONS"}});
    return;
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (std::string clean = clean_path(request.path); reads && clean != request.path) {
    response.begin(301,
                   {{"Content-Type", std::string(kText)},
                    {"Location", percent_encode(clean, "/") + (request.query.empty() ? "" : "?" + request.query)}});
    response.write("Moved permanently\n");
    return;
  }
  const auto route =
      std::find_if(routes_.begin(), routes_.end(), [&](const Route& r) { return serves(r, request.path); });
  if (route == routes_.end()) {
    response.send_text(404, "404 page not found\n");
    return;
  }
  const std::string allowed = allowed_methods(*route);
  if (request.method == "OPTIONS") {
    response.begin(204, {{"Allow", allowed}});
    return;
  }
  const std::string& method = request.method == "HEAD" ? std::string("GET") : request.method;
  if (std::find(route->methods.begin(), route->methods.end(), method) == route->methods.end()) {
    response.begin(405, {{"Content-Type", std::string(kText)}, {"Allow", allowed}});
    response.write("Method not allowed; use " + allowed + "\n");
    return;
  }
  if (is_cross_site(request)) {
    response.send_text(403, "Refused: the request comes from another site.\n");
    return;
  }
  run(*route, request, response);
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

}  // namespace tpx::http
