#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "live/event_format.h"
#include "plan/event_plan.h"

namespace tpx::live {

/// Joins the events of two tracepoints by a key, and writes a line with the time between them for each pair. Takes the
/// records in the order in which the events happened. Used by one thread.
///
///   12:00:01.123456 bash             1234          [001]    2.76 µs fd=3 count=100 -> ret=100
///
/// As JSON the start's fields are the member `from`:
///
///   {"time":"…","comm":"bash","pid":1234,"tid":1234,"cpu":1,"latency_seconds":2.76e-06,"from":{"fd":3},"args":{"ret":100}}
class EventPairs {
 public:
  static constexpr std::uint32_t kStart = 0;  ///< EventRequest::number of the start's records
  static constexpr std::uint32_t kEnd = 1;
  static constexpr std::size_t kMostStarts = 1U << 20U;  ///< that wait for their end

  /// Both plans have a key as their first column; the formatters were made of the plans without it.
  EventPairs(const plan::EventPlan& start, EventFormatter start_formatter, const plan::EventPlan& end,
             EventFormatter end_formatter, EventOutput output, bool utf8);

  /// Whether the record ended a pair, whose line was appended.
  bool append(std::string& out, std::span<const std::byte> record);

  [[nodiscard]] static std::string heading();

  /// Ends whose start was not seen, and starts that found too many waiting.
  [[nodiscard]] std::uint64_t without_start() const { return without_start_; }
  [[nodiscard]] std::uint64_t refused_starts() const { return refused_starts_; }

 private:
  struct Column {
    std::uint32_t offset = 0;
    schema::ValueType type;
  };
  [[nodiscard]] std::string_view key_of(const Column& column, std::span<const std::byte> record);

  Column start_key_;
  Column end_key_;
  EventFormatter start_;
  EventFormatter end_;
  EventOutput output_;
  bool utf8_;
  std::unordered_map<std::string, std::vector<std::byte>> waiting_;  ///< start records by key
  std::string key_;                                                  // kept for its memory
  std::uint64_t without_start_ = 0;
  std::uint64_t refused_starts_ = 0;
};

}  // namespace tpx::live
