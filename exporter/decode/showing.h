#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace tpx::decode {

/// Which series one scrape exposes by value, and what all scrapers have received before it. Scrapes are numbered from 1 in
/// the order in which they read the series, across all scrapers and reloads. Each series stores the number of the scrape
/// that exposed it first. A plain value.
struct Showing {
  static constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t sequence = 1;     ///< the number of this scrape
  std::uint32_t by_value = kAll;  ///< series first exposed after this scrape are 0 (gauges never are)
  /// Every known scraper has received this scrape or a later one; kAll when no scraper is known.
  std::uint32_t seen_by_all = kAll;
  std::uint32_t values_seen_by_all = kAll;  ///< the minimum by_value of the last scrapes that they received
  std::uint32_t seen_by_any = 0;            ///< the latest scrape that any scraper received; 0: none
  std::uint32_t values_seen_by_any = 0;     ///< the maximum by_value of the scrapes received by any scraper
  std::chrono::steady_clock::time_point now{};
};

}  // namespace tpx::decode
