#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tpx::live {

/// Of a value, as the metric's name says it: https://prometheus.io/docs/practices/naming/
enum class Unit : std::uint8_t { None, Seconds, Bytes };

/// `tracepoint_syscall_seconds` → Seconds, `tracepoint_sent_bytes_total` → Bytes.
[[nodiscard]] Unit unit_of(std::string_view metric_name);

/// A number in few characters: `997`, `12.3k`, `0.0012`; with a unit `2.76 µs`, `1.50 MiB`. Three significant digits where
/// it has more. `utf8`: µ is available, else `us`.
[[nodiscard]] std::string shown_number(double value, Unit unit = Unit::None, bool utf8 = true);

/// The same for a number a second: below 1000 and without a unit with one decimal, `997.0`, `0.3`, and `<0.1`.
[[nodiscard]] std::string shown_rate(double value, Unit unit = Unit::None, bool utf8 = true);

}  // namespace tpx::live
