#include "page/sources.h"

#include <utility>

#include "page/config_page.h"
#include "page/landing_page.h"
#include "page/metric_page.h"
#include "page/status_json.h"
#include "page/tracepoint_page.h"
#include "page/try_page.h"

namespace tpx::page {
namespace {

constexpr unsigned kMostPages = 4;  // of the server's 16 threads

}  // namespace

http::Handler Turnstile::guard(const std::shared_ptr<Turnstile>& turnstile, http::Handler handler) {
  return [turnstile, handler = std::move(handler)](const http::Request& request, http::Response& response) {
    struct Leave {
      std::atomic<unsigned>& inside;
      ~Leave() { --inside; }
    };
    const unsigned before = turnstile->inside_++;
    const Leave leave{turnstile->inside_};
    if (before >= turnstile->most_) {
      response.begin(503, {{"Content-Type", "text/plain; charset=utf-8"}, {"Retry-After", "1"}});
      response.write("Too many pages are being made; try again.\n");
      return;
    }
    handler(request, response);
  };
}

std::vector<http::Route> page_routes(const Sources& sources) {
  const auto pages = std::make_shared<Turnstile>(kMostPages);
  std::vector<http::Route> routes;
  const auto add = [&](std::string path, http::Handler handler) {
    routes.push_back({std::move(path), {"GET"}, Turnstile::guard(pages, std::move(handler)), false});
  };
  add("/", landing_page_handler(sources));
  add("/metric/*", metric_page_handler(sources));
  add("/api/v1/status", status_json_handler(sources));
  add("/config", config_page_handler(sources));
  add("/tracepoints", tracepoint_page_handler(sources));
  if (sources.info().lifecycle) {
    const auto alone = std::make_shared<Turnstile>(1);
    add("/try", Turnstile::guard(alone, try_page_handler(sources)));
  }
  return routes;
}

}  // namespace tpx::page
