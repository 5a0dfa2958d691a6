#include "base/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

namespace tpx {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr std::array<Unit, 5> kUnits{{{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000}}};

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (text == "0") {
    return std::chrono::nanoseconds(0);
  }
  if (text.empty()) {
    return std::nullopt;
  }
  std::uint64_t sum = 0;
  std::size_t next = 0;
  while (!text.empty()) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    while (next < kUnits.size() && kUnits.at(next).name != name) {
      ++next;
    }
    if (next == kUnits.size() || number > (kMost - sum) / kUnits.at(next).nanoseconds) {
      return std::nullopt;
    }
    sum += number * kUnits.at(next++).nanoseconds;
    text.remove_prefix(name.size());
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(sum));
}

}  // namespace tpx
