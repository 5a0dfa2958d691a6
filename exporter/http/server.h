#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "http/message.h"
#include "http/statistics.h"

namespace spdlog {
class logger;
}

namespace tpx::http {

/// How a server listens and what it bounds.
struct ServerOptions {
  std::vector<std::string> addresses = {":19435"};  ///< as --web.listen-address has them
  /// Sockets that listen already, in place of `addresses`; taken by the first server.
  std::shared_ptr<std::vector<UniqueFd>> sockets = std::make_shared<std::vector<UniqueFd>>();
  std::string web_config_file;            ///< empty: plain HTTP for everyone
  std::size_t workers = 16;               ///< worker threads: limit of concurrent requests
  std::size_t max_connections = 2048;     ///< limit of connections; lower if the limit of descriptors requires it
  std::size_t max_scrapes = 4;            ///< limit of concurrent scrapes; others wait
  std::size_t max_requests = 128;         ///< limit of scrapes, including waiting ones; more get 503. 0: no limit
  std::size_t max_request_bytes = 16384;  ///< request line and headers; more gets 414 or 431
  std::chrono::milliseconds request_timeout{10000};     ///< for a request to arrive, for a client to take some
  std::chrono::milliseconds response_timeout{60000};    ///< for a whole answer to be taken
  std::chrono::milliseconds keep_alive_timeout{75000};  ///< how long a connection may idle; above a minute's scrape
  std::chrono::milliseconds failed_login_delay{1000};   ///< before the response to a wrong password
  std::size_t answer_memory = 64U << 20U;               ///< limit of unsent bytes of all responses
  std::shared_ptr<HttpStatistics> statistics = std::make_shared<HttpStatistics>();
  std::shared_ptr<spdlog::logger> log;  ///< may be null
};

/// An address served.
struct BoundAddress {
  std::string requested;  ///< as in ServerOptions
  std::string text;       ///< `0.0.0.0:19435`, `[::]:19435`, with the real port
  std::uint16_t port = 0;
};

/// The HTTP server: a Gateway takes the clients' connections, civetweb runs the handlers of whole requests. Handlers run on
/// several threads at once; what they throw is logged and answered 500. Basic authentication and headers of the web
/// configuration apply to every path. Bounded: connections, request size, slow clients, scrapes in flight, memory of
/// answers.
class HttpServer {
 public:
  /// Listens and serves. Fails, with nothing left behind, when an address can't be had or the web configuration is wrong.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, std::vector<Route> routes);

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Stops accepting, ends what is in flight and joins all threads (within about 2 s, plus what handlers take). Any
  /// thread but a handler's.
  void stop();

  [[nodiscard]] const std::vector<BoundAddress>& addresses() const;
  [[nodiscard]] bool uses_tls() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tpx::http
