#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tpx::page {

/// `text` for HTML content and quoted attributes: valid UTF-8, with & < > " ' escaped.
[[nodiscard]] std::string html_escape(std::string_view text);

/// `text` as a part of a URL's path or query: all but letters, digits and `-._~` percent-encoded.
[[nodiscard]] std::string url_encode(std::string_view text);

/// Where the page of a metric is.
[[nodiscard]] std::string metric_url(std::string_view name);

/// A link to it, by its name.
[[nodiscard]] std::string metric_link(std::string_view name);

/// The anchor of a line of a configuration file on the page of the configuration.
[[nodiscard]] std::string config_anchor(std::string_view file, std::uint32_t line);

/// Three significant digits and a unit: `0`, `0.52`, `12.3`, `1.24k`, `3.5M`.
[[nodiscard]] std::string short_number(double value);

/// Three significant digits at any size: `0.00025`, `2.5e-06`, `12.3`.
[[nodiscard]] std::string small_number(double value);

/// `512 B`, `1.2 MiB`.
[[nodiscard]] std::string short_bytes(std::uint64_t bytes);

/// `1,234,567`.
[[nodiscard]] std::string grouped(std::uint64_t value);

/// `42 s`, `3 min`, `5 h 12 min`, `3 d 4 h`.
[[nodiscard]] std::string short_duration(std::uint64_t seconds);

/// An inline SVG line of `values`, scaled to their maximum; "" for fewer than two. `label` is what a screen reader says.
[[nodiscard]] std::string sparkline(const std::vector<double>& values, std::string_view label);

/// An inline SVG bar, filled by `fraction` (0 to 1); `state` is its class.
[[nodiscard]] std::string usage_bar(double fraction, std::string_view state, std::string_view label);

}  // namespace tpx::page
