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
constexpr std::size_t kBar = 40;

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

std::string fitted(std::string_view text, std::size_t width, bool right, std::string_view mark) {
  const std::size_t length = characters(text);
  if (length <= width) {
    const std::string space(width - length, ' ');
    return right ? space + std::string(text) : std::string(text) + space;
  }
  const std::size_t kept = width > 0 && !mark.empty() ? width - 1 : width;
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++end) {
    if (!continues(text[end]) && ++count > kept) {
      break;
    }
  }
  return std::string(text.substr(0, end)) + std::string(width > 0 ? mark : std::string_view());
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

std::string TopTable::cut(const std::string& line) const {
  return width == 0 ? line : fitted(line, width, false, mark());
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
    line += "  " + fitted(label_names[i], widths[i], false, mark());
  }
  return cut(line);
}

std::vector<std::string> TopTable::lines(const std::vector<TopRow>& rows) const {
  const auto widths = label_widths(rows);
  const Unit counted = quantiles ? Unit::None : unit;  // a histogram counts observations
  std::vector<std::string> lines;
  for (const TopRow& row : rows) {
    std::string line = fitted(shown_rate(row.rate, counted, utf8), kNumber, true) + " " +
                       fitted(shown_number(row.total, counted, utf8), kNumber, true) + " ";
    if (quantiles) {
      for (const double quantile : row.quantiles) {
        line += fitted(shown_number(quantile, unit, utf8), kNumber, true) + " ";
      }
    }
    line += " " + fitted(sparkline(row.history, kSpark, utf8), kSpark);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += "  " + fitted(visible(row.labels[i]), widths[i], false, mark());
    }
    lines.push_back(cut(line));
  }
  return lines;
}

std::vector<std::string> TopTable::bars(const std::vector<std::uint64_t>& counts,
                                        const std::vector<double>& bounds) const {
  const auto used = [](std::uint64_t count) { return count != 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), used) - counts.begin();
  const auto last = counts.rend() - std::find_if(counts.rbegin(), counts.rend(), used);
  const std::uint64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  std::vector<std::string> lines;
  for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
    const std::string from = i == 0 ? "" : shown_number(bounds[i - 1], unit, utf8);
    const std::string to = i < bounds.size() ? shown_number(bounds[i], unit, utf8) : "";
    const auto length = static_cast<std::size_t>(
        std::ceil(static_cast<double>(counts[i]) / static_cast<double>(most) * static_cast<double>(kBar)));
    lines.push_back(cut(fitted(from, kNumber, true) + " .. " + fitted(to, kNumber) + " " +
                        fitted(shown_number(static_cast<double>(counts[i])), kNumber, true) + " |" +
                        fitted(std::string(length, '@'), kBar) + "|"));
  }
  return lines;
}

}  // namespace tpx::live
