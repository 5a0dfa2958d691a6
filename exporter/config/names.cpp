#include "config/names.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/words.h"
#include "config/source_text.h"

namespace tpx::config {
namespace {

bool is_name(std::string_view name, bool colons) {
  const auto allowed = [colons](char c) { return is_word(c) || (colons && c == ':'); };
  return !name.empty() && !is_digit(name.front()) && std::all_of(name.begin(), name.end(), allowed);
}

// The name with each character that is not allowed replaced, for a hint; empty when that is no name either.
std::string repaired(std::string_view name, bool colons) {
  std::string text(name.substr(0, 80));
  for (char& c : text) {
    if (!is_word(c) && !(colons && c == ':')) {
      c = '_';
    }
  }
  return is_name(text, colons) ? "write " + text : "";
}

constexpr std::string_view kTotal = "_total";

std::vector<std::string> exposed(const std::string& full, MetricType type) {
  switch (type) {
    case MetricType::Counter:
      if (full.ends_with(kTotal)) {
        return {full, full.substr(0, full.size() - kTotal.size())};
      }
      return {full};
    case MetricType::Gauge:
      return {full};
    case MetricType::Histogram:
      return {full, full + "_bucket", full + "_sum", full + "_count"};
  }
  return {full};
}

}  // namespace

bool is_metric_name(std::string_view name) {
  return is_name(name, true);
}

bool is_identifier(std::string_view name) {
  return is_name(name, false);
}

std::optional<Error> check_metric_name(const Text& name, MetricType type) {
  const auto wrong = [&](const std::string& message, std::string hint) {
    return Error{"metric name " + in_quotes(name.value) + ' ' + message, std::move(hint), name.at};
  };
  if (!is_metric_name(name.value)) {
    return wrong("is not made of letters, digits and _", repaired(name.value, true));
  }
  const bool total = name.value.ends_with(kTotal);
  if (type == MetricType::Counter) {
    if (!total) {
      return wrong("is a counter's and must end in _total", "name it " + name.value + "_total");
    }
    return std::nullopt;
  }
  if (total) {
    return wrong("ends in _total, but only a counter's may",
                 "name it " + name.value.substr(0, name.value.size() - kTotal.size()) + ", or write type: counter");
  }
  if (type == MetricType::Histogram) {
    for (const std::string_view suffix : std::array<std::string_view, 3>{"_bucket", "_sum", "_count"}) {
      if (name.value.ends_with(suffix)) {
        return wrong("ends in " + std::string(suffix) + ", which a histogram adds by itself",
                     "name it " + name.value.substr(0, name.value.size() - suffix.size()));
      }
    }
  }
  return std::nullopt;
}

std::optional<Error> check_label_name(const Text& name, MetricType type) {
  if (!is_identifier(name.value)) {
    return Error{"label name " + in_quotes(name.value) + " is not made of letters, digits and _",
                 repaired(name.value, false), name.at};
  }
  if (name.value.starts_with("__")) {
    return Error{
        "label name " + in_quotes(name.value) + " starts with __, which Prometheus keeps for itself", {}, name.at};
  }
  if (type == MetricType::Histogram && name.value == "le") {
    return Error{"label le is the histogram's own", "choose another name", name.at};
  }
  return std::nullopt;
}

std::optional<Error> ExposedNames::add(const std::string& name_space, const Text& name, MetricType type) {
  const std::string full = full_name(name_space, name.value);
  for (const std::string_view own : std::array<std::string_view, 2>{"tracepoint_exporter_", "process_"}) {
    if (full.starts_with(own)) {
      return Error{"metric name " + in_quotes(full) + " could collide with the exporter's own",
                   "names that start with " + std::string(own) + " are reserved", name.at};
    }
  }
  const std::vector<std::string> names = exposed(full, type);
  for (const std::string& taken : names) {
    const auto found = owners_.find(taken);
    if (found == owners_.end()) {
      continue;
    }
    const Owner& owner = found->second;
    const std::string first = owner.at.file + ':' + std::to_string(owner.at.line);
    if (owner.name == full) {
      return Error{"metric name " + in_quotes(full) + " is used twice", "the first is at " + first, name.at};
    }
    return Error{
        "metric " + in_quotes(full) + " collides with " + in_quotes(owner.name) + ": both expose " + in_quotes(taken),
        "the first is at " + first, name.at};
  }
  for (const std::string& taken : names) {
    owners_.emplace(taken, Owner{full, name.at});
  }
  return std::nullopt;
}

}  // namespace tpx::config
