#include "config/source_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "config/names.h"

namespace tpx::config {
namespace {

using yaml::Node;

constexpr const char* kShape = "write category/name, for example sched/sched_switch";

bool is_pattern(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.*?").find(c) != std::string_view::npos;
  });
}

// The probes of bpftrace that are no tracepoints.
bool is_other_probe(std::string_view word) {
  constexpr std::array<std::string_view, 18> kProbes = {
      "kprobe", "kretprobe", "k", "kr", "fentry", "fexit",   "kfunc",    "kretfunc", "f",
      "uprobe", "uretprobe", "u", "ur", "usdt",   "profile", "interval", "software", "hardware"};
  return std::find(kProbes.begin(), kProbes.end(), word) != kProbes.end();
}

// What somebody who wrote several colons or slashes may have meant: bpftrace's `tracepoint:sched:sched_switch`, or a path of
// tracefs.
std::string shape_hint(std::string_view all) {
  const std::vector<std::string_view> parts = split(all, all.find(':') != std::string_view::npos ? ':' : '/');
  const bool bpftrace = parts.front() == "tracepoint" || parts.front() == "t";
  const bool path = parts.front().empty() || parts.front() == "events";
  if (parts.size() > 2 && (bpftrace || path) && is_pattern(parts.back()) && is_pattern(parts[parts.size() - 2])) {
    return "write " + std::string(parts[parts.size() - 2]) + '/' + std::string(parts.back());
  }
  return kShape;
}

// `kprobe:vfs_read`, `rawtracepoint:sched_switch`; nothing when it is no probe of another kind.
std::optional<std::pair<std::string, std::string>> other_probe(std::string_view all) {
  const std::size_t colon = all.find(':');
  const std::string_view kind = all.substr(0, colon);
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  if (kind == "rawtracepoint" || kind == "raw_tracepoint" || kind == "rt") {
    return std::pair(in_quotes(all) + " is a raw tracepoint",
                     "write raw_tracepoint: " + std::string(all.substr(colon + 1)));
  }
  if (!is_other_probe(kind)) {
    return std::nullopt;
  }
  return std::pair(in_quotes(all) + " is not a tracepoint: expressions count tracepoints only",
                   "choose a tracepoint (tracepoint_exporter list), or give a BPF program in C under `programs:`");
}

// `category/name` or `category:name`.
std::optional<Text> read_tracepoint(Reader& reader, const Node& node) {
  auto text = reader.text(node, "a tracepoint");
  if (!text) {
    return std::nullopt;
  }
  const std::size_t separator = text->value.find_first_of("/:");
  const std::string_view all = text->value;
  const std::string_view category = all.substr(0, separator);
  const std::string_view name = separator == std::string::npos ? std::string_view() : all.substr(separator + 1);
  if (const auto other = other_probe(all)) {
    reader.error(node, other->first, other->second);
    return std::nullopt;
  }
  if (is_pattern(category) && is_pattern(name)) {
    text->value[separator] = '/';
    return text;
  }
  reader.error(node, in_quotes(all) + " is not a tracepoint", shape_hint(all));
  return std::nullopt;
}

std::optional<Text> read_raw_tracepoint(Reader& reader, const Node& node) {
  auto text = reader.text(node, "a raw tracepoint");
  if (!text || is_identifier(text->value)) {
    return text;
  }
  std::string hint = "write its name alone, for example sched_switch";
  if (is_glob(text->value)) {
    hint = "patterns match tracepoints only; write each name";
  } else if (const std::size_t separator = text->value.find_last_of("/:"); separator != std::string::npos) {
    if (const std::string name = text->value.substr(separator + 1); is_identifier(name)) {
      hint = "write " + name;
    }
  }
  reader.error(node, in_quotes(text->value) + " is not a raw tracepoint", std::move(hint));
  return std::nullopt;
}

std::optional<Events> read_events(Reader& reader, const Node& node, Events::Kind kind) {
  const bool raw = kind == Events::Kind::RawTracepoint;
  const auto items = reader.list(node, raw ? "raw_tracepoint" : "tracepoint", true);
  if (!items) {
    return std::nullopt;
  }
  if (items->empty()) {
    reader.error(node, "the list of tracepoints is empty");
    return std::nullopt;
  }
  Events events{kind, {}};
  for (const Node* item : *items) {
    auto name = raw ? read_raw_tracepoint(reader, *item) : read_tracepoint(reader, *item);
    if (!name) {
      continue;
    }
    const bool again = std::any_of(events.names.begin(), events.names.end(),
                                   [&](const Text& other) { return other.value == name->value; });
    if (again) {
      reader.error(*item, in_quotes(name->value) + " is listed twice");
      continue;
    }
    events.names.push_back(std::move(*name));
  }
  return events.names.empty() ? std::nullopt : std::optional(std::move(events));
}

// The one of `tracepoint` and `raw_tracepoint` that is there.
std::optional<Events> read_events(Reader& reader, const Fields& fields, const Node& owner, const std::string& what) {
  const bool tracepoint = fields.has("tracepoint");
  const bool raw = fields.has("raw_tracepoint");
  if (tracepoint && raw) {
    reader.error(*fields.key("raw_tracepoint"), what + " has both tracepoint and raw_tracepoint", "keep one of them");
    return std::nullopt;
  }
  if (!tracepoint && !raw) {
    reader.error(owner, what + " has no tracepoint", "add `tracepoint: category/name`");
    return std::nullopt;
  }
  const Node* node = fields.find(tracepoint ? "tracepoint" : "raw_tracepoint");
  if (node == nullptr) {
    return std::nullopt;
  }
  return read_events(reader, *node, tracepoint ? Events::Kind::Tracepoint : Events::Kind::RawTracepoint);
}

std::optional<Endpoint> read_endpoint(Reader& reader, const Node& node, const std::string& what) {
  if (node.kind == Node::Kind::Scalar) {
    reader.error(node, what + " must be a map, this is text",
                 "write {tracepoint: " + std::string(trim(node.text.substr(0, 80))) + ", key: tid}");
    return std::nullopt;
  }
  const auto fields = reader.fields(node, what, {"tracepoint", "raw_tracepoint", "key", "filter"});
  if (!fields) {
    return std::nullopt;
  }
  auto events = read_events(reader, *fields, node, what);
  if (!fields->has("key")) {
    reader.error(node, what + " has no key", "add what the two events share, for example `key: tid`");
  }
  auto key = reader.optional_expression(*fields, "key");
  auto filter = reader.optional_expression(*fields, "filter");
  if (!events) {
    return std::nullopt;
  }
  return Endpoint{std::move(*events), key.value_or(Expression()), std::move(filter), reader.at(node)};
}

std::optional<Pair> read_pair(Reader& reader, const Fields& fields) {
  for (const auto& [there, missing] : {std::pair("from", "to"), std::pair("to", "from")}) {
    if (!fields.has(missing)) {
      reader.error(*fields.key(there), std::string(there) + " without " + missing,
                   "a duration needs both; for single events write `tracepoint:`");
      return std::nullopt;
    }
  }
  Pair pair;
  bool good = true;
  const Node* from = fields.find("from");
  const Node* to = fields.find("to");
  if (from != nullptr && from->kind == Node::Kind::Sequence && from->items.empty()) {
    reader.error(*from, "the list of starts is empty");
    return std::nullopt;
  }
  std::vector<const Node*> starts;
  if (from != nullptr && from->kind == Node::Kind::Sequence) {
    for (const yaml::NodePtr& item : from->items) {
      starts.push_back(item.get());
    }
  } else if (from != nullptr) {
    starts.push_back(from);
  }
  for (const Node* start : starts) {
    auto endpoint = read_endpoint(reader, *start, "from");
    if (!endpoint) {
      good = false;
      continue;
    }
    pair.from.push_back(std::move(*endpoint));
  }
  auto end = to != nullptr ? read_endpoint(reader, *to, "to") : std::nullopt;
  if (!good || pair.from.empty() || !end) {
    return std::nullopt;
  }
  pair.to = std::move(*end);
  return pair;
}

}  // namespace

std::optional<std::variant<Events, Pair>> read_source(Reader& reader, const Fields& fields, const Node& metric) {
  const bool single = fields.has("tracepoint") || fields.has("raw_tracepoint");
  const bool pair = fields.has("from") || fields.has("to");
  if (single && pair) {
    reader.error(*fields.key(fields.has("from") ? "from" : "to"), "a metric has either a tracepoint or from and to",
                 "keep one of them");
    return std::nullopt;
  }
  if (!single && !pair) {
    reader.error(metric, "the metric has no tracepoint",
                 "add `tracepoint: category/name`, `raw_tracepoint:`, or `from:` and `to:`");
    return std::nullopt;
  }
  if (pair) {
    auto read = read_pair(reader, fields);
    return read ? std::optional<std::variant<Events, Pair>>(std::move(*read)) : std::nullopt;
  }
  auto read = read_events(reader, fields, metric, "the metric");
  return read ? std::optional<std::variant<Events, Pair>>(std::move(*read)) : std::nullopt;
}

}  // namespace tpx::config
