#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "decode/showing.h"
#include "expose/http.h"

namespace tpx::expose {

/// How a series begins for a scraper that was not shown it yet.
enum class SeriesStart : std::uint8_t { Zero, Value };

/// Who asks for a page, as far as the request tells.
struct ScrapeClient {
  /// Address, path, query, User-Agent and timeout in one text: what look-alikes have in common.
  std::string group;
  /// Dies with the client's connection. Null: not known, as if each request had its own.
  std::shared_ptr<const void> connection;
  std::chrono::duration<double> timeout{};
};

/// The scraper behind a request: who sends X-Prometheus-Scrape-Timeout-Seconds (Prometheus, vmagent, Alloy, the Collector).
/// None for everybody else.
[[nodiscard]] std::optional<ScrapeClient> scrape_client(const Request& request);

/// Which scrapes each scraper has got, and so which series begin at 0 for it.
///
/// Scrapers that look alike (a pair behind one address, two jobs of one server) form a group; its members are told apart by
/// their connections. A request on a new connection is from a member whose connection is closed, if one is due: the one whose
/// rhythm it fits best; else from a new one. Where several fit, all of them are taken to have got no more than each has.
/// Such a guess may be wrong. Therefore a series reads 0 for a whole group until
/// each of its members has got it: then it does not matter which of them is which. What a member was shown by value once
/// stays so.
///
/// A scrape counts as got when its page was sent whole, in less than the scraper's timeout. From a client that keeps its
/// connections, the next request on it has to follow, too: a scraper that refused the page closes it.
///
/// Errs to the side of 0: a series that reads 0 once more shows the same rise a scrape later. Thread-safe; times are the
/// caller's.
/// See docs/design/series-expiry.md.
class Scrapers {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Scrapers(SeriesStart start = SeriesStart::Zero) : start_(start) {}

  struct Scrape {
    decode::Showing showing;
    std::uint64_t member = 0;  ///< 0: not a scraper's
    Time begun{};              ///< when the request came, for the timeout: begin() takes its `now` for that
    std::chrono::duration<double> timeout{};
  };

  /// Gives the scrape its number: to be called in the order in which pages are made, one page after the other.
  [[nodiscard]] Scrape begin(const std::optional<ScrapeClient>& client, Time now);
  /// The page has been sent, or not. Scrapes may end in any order.
  void end(const Scrape& scrape, bool sent, Time now);

  /// Scrapers that have got a page in the last minutes: 10, or three times their interval.
  [[nodiscard]] std::size_t known(Time now) const;

 private:
  /// A scrape that somebody got.
  struct Got {
    std::uint32_t sequence = 0;  ///< 0: none
    std::uint32_t by_value = 0;
  };
  struct Member {
    std::uint64_t id = 0;
    std::string group;
    std::weak_ptr<const void> connection;
    std::uint32_t requests = 0;           ///< on this connection
    bool keeps = false;                   ///< it has used a connection twice
    std::uint32_t lone = 0;               ///< connections since then, one after the other, that it used once
    Time seen{};                          ///< its last request
    std::chrono::duration<double> gap{};  ///< between its last two requests; 0: it has made one
    std::chrono::duration<double> gap_before{};
    std::uint32_t floor = 0;  ///< all series up to this scrape may have been shown by value
    Got got;
    std::optional<Got> unsure;  ///< sent whole; the next request on the connection makes it sure
    [[nodiscard]] const Got& last() const { return unsure ? *unsure : got; }
    /// What others may rely on.
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

  const SeriesStart start_;
  mutable std::mutex mutex_;
  std::uint32_t sequence_ = 0;
  std::uint64_t ids_ = 0;
  std::vector<Member> members_;
};

}  // namespace tpx::expose
