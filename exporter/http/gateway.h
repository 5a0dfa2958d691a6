#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "http/exchange.h"
#include "http/statistics.h"
#include "http/tls_context.h"

namespace tpx::http {

/// Handles all client connections in one thread with non-blocking sockets: it terminates TLS, reads complete requests,
/// refuses requests that are ambiguous by RFC 9112, and sends responses as fast as each client reads them. Only complete
/// requests reach the HTTP server's worker threads, and no worker waits for a client unless the memory for responses is
/// used up. So an idle or slow client costs a file descriptor and a small buffer, and is closed after a timeout.
/// See docs/design/http-front.md.
class Gateway {
 public:
  struct Options {
    std::uint16_t upstream_port = 0;  ///< the HTTP server's, on 127.0.0.1
    std::size_t max_connections = 2048;
    std::size_t max_active = 16;     ///< limit of requests in the HTTP server; others wait
    std::size_t max_scrapes = 4;     ///< limit of scrapes among them
    std::size_t max_requests = 128;  ///< limit of scrapes, including waiting ones; more get 503. 0: no limit
    std::size_t max_head = 16384;    ///< bytes of request line and headers
    std::size_t max_body = 65536;    ///< bytes of a request body, which is ignored
    std::chrono::milliseconds request_timeout{
        10000};  ///< for a request to arrive, to be begun, for a client to take some
    std::chrono::milliseconds keep_alive_timeout{75000};  ///< idle time between two requests
    std::chrono::milliseconds response_timeout{60000};    ///< for a client to read a whole response
    Exchange::Limits limits;
    std::function<TlsContext()> tls;                ///< called for each connection; empty: no TLS
    std::function<bool(const Request&)> is_scrape;  ///< empty: none is
    std::shared_ptr<Exchanges> exchanges;
    std::shared_ptr<HttpStatistics> statistics;
  };

  /// Starts serving the (already listening, non-blocking) sockets.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(Options options, std::vector<UniqueFd> listeners);

  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  /// Closes everything and joins the thread.
  ~Gateway();

  /// Closes all listeners and connections; then connects to the HTTP server again and again, as its accepting thread looks
  /// for a stop only after a connection or a pause. Returns at once.
  void close();

 private:
  class Connection;
  using Clock = std::chrono::steady_clock;
  enum class Phase : std::uint8_t { Serving, Closed, Ended };

  Gateway(Options options, std::vector<UniqueFd> listeners, UniqueFd poll, std::shared_ptr<ReadyConnections> ready);
  void run();
  void serve_events();
  void handle(std::uint64_t tag, std::uint32_t events);
  void watch(int descriptor, std::uint64_t tag, std::uint32_t events) const;
  void accept_from(std::size_t listener);
  void admit(UniqueFd client, std::string name);
  [[nodiscard]] bool make_room();
  void listen(bool on);
  void advance(Connection& connection);
  void drop(std::uint64_t id);
  void take_news();
  void expire();
  void relieve_memory();
  void close_all();
  void knock() const;

  // What connections ask for.
  /// The request of `connection` is whole: to be served now or later. False: there are too many scrapes.
  [[nodiscard]] bool submit(Connection& connection, bool scrape);
  void start_waiting();
  /// True if one was begun.
  bool start_waiting(std::deque<std::uint64_t>& queue, bool scrapes);
  [[nodiscard]] std::shared_ptr<Exchange> make_exchange(RequestHead head, bool scrape);
  /// Called when no worker starts a request: closes connections of other processes to the HTTP server, at limited
  /// frequency.
  void shut_strangers(Clock::time_point now);
  [[nodiscard]] int wait_milliseconds() const;

  const Options options_;
  std::vector<UniqueFd> listeners_;
  const UniqueFd poll_;
  const std::shared_ptr<ReadyConnections> ready_;
  const std::shared_ptr<Exchange::Surroundings> surroundings_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t last_id_ = 0;
  std::deque<std::uint64_t> waiting_scrapes_;  ///< ids of connections whose request waits for a slot
  std::deque<std::uint64_t> waiting_others_;
  bool listening_ = false;
  bool memory_short_ = false;
  Clock::time_point next_look_ = Clock::time_point::max();  ///< no deadline is earlier
  Clock::time_point strangers_shut_{};
  Clock::time_point listen_after_ = Clock::time_point::max();
  std::atomic<Phase> phase_ = Phase::Serving;
  std::thread thread_;
};

}  // namespace tpx::http
