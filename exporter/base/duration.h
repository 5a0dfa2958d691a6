#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace tpx {

/// A duration as Prometheus writes them: numbers with the units d, h, m, s and ms, the largest first, each once (`1m30s`);
/// `0` needs no unit. At most 292 years; none for anything else.
/// https://prometheus.io/docs/prometheus/latest/configuration/configuration/
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace tpx
