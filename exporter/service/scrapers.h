#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "decode/showing.h"
#include "http/message.h"

namespace tpx::service {

/// The first sample of a series for each scraper: 0, or its value.
enum class SeriesStart : std::uint8_t { Zero, Value };

/// The identity of a scraper, as far as a request tells.
struct ScrapeClient {
  /// Address, path, query, User-Agent and timeout, joined. Scrapers with the same text form a group.
  std::string group;
  /// Expires when the client's connection closes. Null: unknown; each request counts as a new connection.
  std::shared_ptr<const void> connection;
  std::chrono::duration<double> timeout{};
};

/// The scraper that sent a request: a client that sends X-Prometheus-Scrape-Timeout-Seconds (Prometheus, vmagent, Alloy,
/// the OpenTelemetry Collector). Nothing for any other client.
[[nodiscard]] std::optional<ScrapeClient> scrape_client(const http::Request& request);

/// Records which scrapes each scraper has received, and so decides which series are 0 for it.
///
/// Scrapers with the same ScrapeClient::group (a pair behind one address, two jobs of one server) form a group. Its members
/// are distinguished by their connections. A request on a new connection is assigned to a member whose connection is closed
/// and whose next scrape is due: the one whose scrape interval fits best. If none is due, it is a new member. If several
/// fit, all of them are treated as having received only what each of them has. The assignment may be wrong. Therefore a
/// series stays 0 for the whole group until each member has received it: then it does not matter which member is which. A
/// series that a member has received by value never returns to 0 for it.
///
/// A scrape counts as received when its response was sent completely and within the scraper's timeout. If the client reuses
/// its connections, the next request on the connection is required too: a scraper that rejects a response closes the
/// connection.
///
/// In doubt a series is 0: one more 0 only moves the same increase to the next scrape. Thread-safe; the caller passes the
/// times.
/// See docs/design/series-expiry.md.
class Scrapers {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Scrapers(SeriesStart start = SeriesStart::Zero) : start_(start) {}

  struct Scrape {
    decode::Showing showing;
    std::uint64_t member = 0;  ///< 0: the client is not a scraper
    Time begun{};              ///< when the request came, for the timeout: begin() takes its `now` for that
    std::chrono::duration<double> timeout{};
  };

  /// Goes on where a Scrapers of another process stopped, of which `state` was the last: for it this is a moment in which
  /// all connections closed. False, and nothing changes, when it is none or of another version. Before the first scrape.
  bool restore(const std::string& state);
  /// Calls `save` with the state, before each scrape is answered and after; under a lock.
  void save_with(std::function<void(const std::string& state)> save);

  /// Numbers the scrape. Call it in the order in which responses read the series, one at a time.
  [[nodiscard]] Scrape begin(const std::optional<ScrapeClient>& client, Time now);
  /// The response was sent, or failed, or turns out not to have arrived after it was sent. Scrapes may end in any order.
  void end(const Scrape& scrape, bool sent, Time now);

  /// The number of scrapers that received a response in the last 10 minutes, or in three of their intervals if longer.
  [[nodiscard]] std::size_t known(Time now) const;

 private:
  /// A scrape that a member received.
  struct Got {
    std::uint32_t sequence = 0;  ///< 0: none
    std::uint32_t by_value = 0;
  };
  struct Member {
    std::uint64_t id = 0;
    std::string group;
    std::weak_ptr<const void> connection;
    std::uint32_t requests = 0;           ///< on this connection
    bool keeps = false;                   ///< it reuses connections: one had two requests
    std::uint32_t lone = 0;               ///< consecutive connections since then with only one request
    Time seen{};                          ///< its last request
    std::chrono::duration<double> gap{};  ///< between its last two requests; 0: it has made one
    std::chrono::duration<double> gap_before{};
    std::uint32_t floor = 0;  ///< all series up to this scrape may have been shown by value
    Got got;
    std::optional<Got> unsure;  ///< sent completely; confirmed by the next request on the connection
    [[nodiscard]] const Got& last() const { return unsure ? *unsure : got; }
    /// The last scrape that it is known to have received.
    [[nodiscard]] const Got& sure() const { return keeps ? got : last(); }
    [[nodiscard]] std::chrono::duration<double> interval() const;
  };

  Member& member_of(const ScrapeClient& client, Time now);
  Member* on_connection(const ScrapeClient& client);
  Member* in_place_of_closed(const ScrapeClient& client, Time now);
  void close_connection(Member& member);
  Member& add(const ScrapeClient& client);
  [[nodiscard]] std::uint32_t by_value_for(const Member& member, Time now) const;
  [[nodiscard]] static bool known(const Member& member, Time now);
  [[nodiscard]] static bool holds(const Member& member, Time now);
  void note_seen(decode::Showing& showing) const;
  void save() const;

  const SeriesStart start_;
  mutable std::mutex mutex_;
  std::uint32_t sequence_ = 0;
  std::uint64_t ids_ = 0;
  std::vector<Member> members_;
  std::function<void(const std::string& state)> save_;
};

}  // namespace tpx::service
