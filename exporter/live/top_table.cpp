#include "live/top_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "live/text_buffer.h"

namespace tpx::live {

namespace {

constexpr std::size_t kNumber = 9;
constexpr std::size_t kSpark = 16;
constexpr std::size_t kWidestLabel = 48;

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

}  // namespace

std::string fitted(std::string_view text, std::size_t width, bool right) {
  const std::size_t length = characters(text);
  if (length <= width) {
    const std::string space(width - length, ' ');
    return right ? space + std::string(text) : std::string(text) + space;
  }
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++end) {
    if (!continues(text[end]) && ++count > width) {
      break;
    }
  }
  return std::string(text.substr(0, end));
}

std::string short_number(double value) {
  constexpr std::array<const char*, 6> kUnits{"", "k", "M", "G", "T", "P"};
  std::array<char, 32> buffer{};
  const double size = std::fabs(value);
  if (size < 1000) {
    const bool whole = size == std::floor(size);
    std::snprintf(buffer.data(), buffer.size(), whole ? "%.0f" : size < 1 ? "%.3g" : "%.1f", value);
    return buffer.data();
  }
  std::size_t unit = 0;
  double scaled = value;
  while (std::fabs(scaled) >= 1000 && unit + 1 < kUnits.size()) {
    scaled /= 1000;
    ++unit;
  }
  std::snprintf(buffer.data(), buffer.size(), std::fabs(scaled) < 100 ? "%.2f%s" : "%.1f%s", scaled, kUnits[unit]);
  return buffer.data();
}

std::string sparkline(const std::vector<double>& values, std::size_t width, bool utf8) {
  constexpr std::array<const char*, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 8> kAscii{"_", ".", ":", "-", "=", "+", "*", "#"};
  const std::size_t count = std::min(width, values.size());
  const auto first = values.end() - static_cast<std::ptrdiff_t>(count);
  const double largest = count == 0 ? 0 : *std::max_element(first, values.end());
  std::string line;
  for (auto value = first; value != values.end(); ++value) {
    const double part = largest > 0 ? std::max(0.0, *value) / largest : 0;
    const auto level = static_cast<std::size_t>(std::lround(part * 7));
    line += (utf8 ? kBlocks : kAscii)[level];
  }
  return line;
}

std::vector<std::size_t> TopTable::label_widths(const std::vector<TopRow>& rows) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < label_names.size(); ++i) {
    std::size_t widest = characters(label_names[i]);
    for (const TopRow& row : rows) {
      widest = std::max(widest, characters(visible(row.labels[i])));
    }
    widths.push_back(std::min(widest, kWidestLabel));
  }
  return widths;
}

std::string TopTable::heading(const std::vector<TopRow>& rows) const {
  std::string line = fitted("RATE/S", kNumber, true) + " " + fitted("TOTAL", kNumber, true) + " ";
  if (quantiles) {
    line +=
        fitted("P50", kNumber, true) + " " + fitted("P90", kNumber, true) + " " + fitted("P99", kNumber, true) + " ";
  }
  line += " " + fitted("HISTORY", kSpark);
  const auto widths = label_widths(rows);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    line += "  " + fitted(label_names[i], widths[i]);
  }
  return width == 0 ? line : fitted(line, width);
}

std::vector<std::string> TopTable::lines(const std::vector<TopRow>& rows) const {
  const auto widths = label_widths(rows);
  std::vector<std::string> lines;
  for (const TopRow& row : rows) {
    std::string line =
        fitted(short_number(row.rate), kNumber, true) + " " + fitted(short_number(row.total), kNumber, true) + " ";
    if (quantiles) {
      for (const double quantile : row.quantiles) {
        line += fitted(short_number(quantile), kNumber, true) + " ";
      }
    }
    line += " " + fitted(sparkline(row.history, kSpark, utf8), kSpark);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += "  " + fitted(visible(row.labels[i]), widths[i]);
    }
    lines.push_back(width == 0 ? line : fitted(line, width));
  }
  return lines;
}

}  // namespace tpx::live
