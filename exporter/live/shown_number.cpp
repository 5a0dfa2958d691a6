#include "live/shown_number.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tpx::live {

namespace {

/// Three significant digits, without an exponent.
std::string three_digits(double value) {
  std::array<char, 64> buffer{};
  // The exponent of what is shown: 0.9999 is shown as 1.00.
  std::snprintf(buffer.data(), buffer.size(), "%.2e", value);
  const int before = std::atoi(std::strchr(buffer.data(), 'e') + 1);
  std::snprintf(buffer.data(), buffer.size(), "%.*f", std::clamp(2 - before, 0, 12), value);
  return buffer.data();
}

template <std::size_t N>
std::string scaled(double value, double step, const std::array<const char*, N>& units) {
  std::size_t unit = 0;
  // What rounds up to the next step is shown in that one.
  while (std::fabs(value) >= step - 0.5 && unit + 1 < N) {
    value /= step;
    ++unit;
  }
  return (unit == 0 && value == std::floor(value) ? std::to_string(static_cast<long long>(value))
                                                  : three_digits(value)) +
         units[unit];
}

std::string shown_seconds(double value, bool utf8) {
  const double size = std::fabs(value);
  constexpr double kRound = 0.9995;  // 999.5 ns and more are 1.00 µs
  if (size == 0) {
    return "0 s";
  }
  if (size >= kRound) {
    return scaled(value, 1000, std::array<const char*, 4>{" s", "k s", "M s", "G s"});
  }
  return size >= kRound * 1e-3   ? three_digits(value * 1e3) + " ms"
         : size >= kRound * 1e-6 ? three_digits(value * 1e6) + (utf8 ? " µs" : " us")
                                 : three_digits(value * 1e9) + " ns";
}

bool has_word(std::string_view name, std::string_view word) {
  const auto at = name.rfind(word);
  return at != std::string_view::npos && (at == 0 || name[at - 1] == '_') &&
         (at + word.size() == name.size() || name[at + word.size()] == '_');
}

}  // namespace

Unit unit_of(std::string_view metric_name) {
  return has_word(metric_name, "seconds") ? Unit::Seconds : has_word(metric_name, "bytes") ? Unit::Bytes : Unit::None;
}

std::string shown_number(double value, Unit unit, bool utf8) {
  if (unit == Unit::Seconds) {
    return shown_seconds(value, utf8);
  }
  if (unit == Unit::Bytes) {
    return scaled(value, 1024, std::array<const char*, 6>{" B", " KiB", " MiB", " GiB", " TiB", " PiB"});
  }
  return scaled(value, 1000, std::array<const char*, 6>{"", "k", "M", "G", "T", "P"});
}

std::string shown_rate(double value, Unit unit, bool utf8) {
  const double size = std::fabs(value);
  if (unit != Unit::None || size >= 999.95) {
    return shown_number(value, unit, utf8);
  }
  if (size > 0 && size < 0.05) {
    return value < 0 ? ">-0.1" : "<0.1";
  }
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.1f", value);
  return buffer.data();
}

}  // namespace tpx::live
