#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace tpx::decode {

/// What one scrape shows, and what the scrapers have seen by then. Scrapes are numbered from 1 in the order in which they
/// read the series, over all scrapers and services; a series is known by the number of the scrape that exposed it first.
/// A plain value.
struct Showing {
  static constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t sequence = 1;     ///< the number of this scrape
  std::uint32_t by_value = kAll;  ///< series first exposed after this scrape read 0 (gauges never do)
  /// The latest scrape that every known scraper has got, or a later one; kAll when nobody is known.
  std::uint32_t seen_by_all = kAll;
  std::uint32_t values_seen_by_all = kAll;  ///< the least by_value of the scrapes that they got last
  std::uint32_t seen_by_any = 0;            ///< the latest scrape that any scraper ever got; 0: none did
  std::uint32_t values_seen_by_any = 0;     ///< the greatest by_value of one that a scraper got
  std::chrono::steady_clock::time_point now{};
};

}  // namespace tpx::decode
