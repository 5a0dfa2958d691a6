#include "exposition/negotiate.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

#include "base/text.h"

namespace tpx::exposition {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// One element of an Accept header: `name;version=…;q=…`.
struct Choice {
  std::string_view name;
  std::string_view version;
  double weight = 1;
};

/// The text before the next `separator` outside of double quotes, taken off `rest`.
std::string_view take(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') {
      quoted = !quoted;
    }
  }
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + 1));
  return trim(piece);
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

/// A weight that is none counts as 0: the element is not taken.
double weight_of(std::string_view text) {
  double weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  return error == std::errc() && end == text.data() + text.size() && weight >= 0 && weight <= 1 ? weight : 0;
}

Choice parse_choice(std::string_view element) {
  Choice choice;
  choice.name = take(element, ';');
  while (!element.empty()) {
    std::string_view value = take(element, ';');
    const std::string_view key = take(value, '=');
    if (same_word(key, "q")) {
      choice.weight = weight_of(trim(value));
    } else if (same_word(key, "version")) {
      choice.version = unquoted(trim(value));
    }
  }
  return choice;
}

std::optional<TextFormat> format_of(const Choice& choice) {
  if (same_word(choice.name, "application/openmetrics-text") && (choice.version.empty() || choice.version == "1.0.0")) {
    return TextFormat::OpenMetrics;
  }
  const bool is_plain = same_word(choice.name, "text/plain") && (choice.version.empty() || choice.version == "0.0.4");
  if (is_plain || same_word(choice.name, "text/*") || choice.name == "*/*") {
    return TextFormat::Prometheus;
  }
  return std::nullopt;
}

TextFormat choose_format(std::string_view accept) {
  TextFormat best = TextFormat::Prometheus;
  double best_weight = 0;
  while (!accept.empty()) {
    const Choice choice = parse_choice(take(accept, ','));
    const std::optional<TextFormat> format = format_of(choice);
    if (format && choice.weight > best_weight) {
      best = *format;
      best_weight = choice.weight;
    }
  }
  return best;
}

bool choose_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  double any = 0;
  double identity = 0;
  while (!accept_encoding.empty()) {
    const Choice choice = parse_choice(take(accept_encoding, ','));
    if (same_word(choice.name, "gzip") || same_word(choice.name, "x-gzip")) {
      gzip = choice.weight;
    } else if (same_word(choice.name, "identity")) {
      identity = choice.weight;
    } else if (choice.name == "*") {
      any = choice.weight;
    }
  }
  const double weight = gzip.value_or(any);
  return weight > 0 && weight >= identity;
}

}  // namespace

std::string_view content_type(TextFormat format) {
  return format == TextFormat::OpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                           : "text/plain; version=0.0.4; charset=utf-8";
}

Negotiated negotiate(std::string_view accept, std::string_view accept_encoding) {
  Negotiated result;
  result.format = choose_format(accept);
  result.content_type = content_type(result.format);
  result.gzip = choose_gzip(accept_encoding);
  return result;
}

}  // namespace tpx::exposition
