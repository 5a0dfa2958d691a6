#include "page/html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "http/request_head.h"

namespace tpx::page {
namespace {

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<std::size_t>(std::max(0, length))};
}

/// Without the zeros that say nothing: 1.20 → 1.2, 3.0 → 3.
std::string trimmed(double value) {
  const double size = std::fabs(value);
  std::string text = fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
      text.pop_back();
    }
  }
  return text;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : to_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string url_encode(std::string_view text) {
  return http::percent_encode(text);
}

std::string metric_url(std::string_view name) {
  return "/metric/" + url_encode(name);
}

std::string metric_link(std::string_view name) {
  return "<a class=\"name\" href=\"" + metric_url(name) + "\">" + html_escape(name) + "</a>";
}

std::string config_anchor(std::string_view file, std::uint32_t line) {
  return url_encode(file) + "-" + std::to_string(line);
}

std::string short_number(double value) {
  static constexpr std::array<const char*, 5> kUnits = {"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (std::fabs(value) >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return trimmed(value) + kUnits[unit];
}

std::string small_number(double value) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.3g", value);
  return {text.data(), static_cast<std::size_t>(std::max(0, length))};
}

std::string short_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {" B", " KiB", " MiB", " GiB", " TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return trimmed(value) + kUnits[unit];
}

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string short_duration(std::uint64_t seconds) {
  const auto two = [](std::uint64_t whole, const char* unit, std::uint64_t rest, const char* smaller) {
    return std::to_string(whole) + unit + (rest == 0 ? "" : " " + std::to_string(rest) + smaller);
  };
  if (seconds < 60) {
    return std::to_string(seconds) + " s";
  }
  if (seconds < 3600) {
    return std::to_string(seconds / 60) + " min";
  }
  if (seconds < 86400) {
    return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  }
  return two(seconds / 86400, " d", seconds % 86400 / 3600, " h");
}

std::string sparkline(const std::vector<double>& values, std::string_view label) {
  constexpr double kWidth = 120;
  constexpr double kHeight = 28;
  if (values.size() < 2) {
    return "";
  }
  const double highest = std::max(*std::max_element(values.begin(), values.end()), 1e-9);
  std::string points;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = kWidth * static_cast<double>(i) / static_cast<double>(values.size() - 1);
    const double y = kHeight - 1.5 - (kHeight - 3) * std::max(0.0, values[i]) / highest;
    points += (i == 0 ? "" : " ") + fixed(x, 1) + "," + fixed(y, 1);
  }
  return "<svg class=\"spark\" viewBox=\"0 0 120 28\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" +
         html_escape(label) + "\"><polygon points=\"0,28 " + points + " 120,28\"/><polyline points=\"" + points +
         "\"/></svg>";
}

std::string usage_bar(double fraction, std::string_view state, std::string_view label) {
  const double width = 100 * std::clamp(fraction, 0.0, 1.0);
  return "<svg class=\"bar " + std::string(state) +
         "\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" + html_escape(label) +
         "\"><rect class=\"track\" width=\"100\" height=\"6\" rx=\"3\"/><rect class=\"fill\" width=\"" +
         fixed(fraction > 0 ? std::max(width, 1.5) : 0, 1) + "\" height=\"6\" rx=\"3\"/></svg>";
}

}  // namespace tpx::page
