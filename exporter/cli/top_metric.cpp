#include "cli/top_metric.h"

#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "service/configuration.h"

namespace tpx::cli {

namespace {

/// The last field that the expression names, else its first word: `symbol(args.vec)` → vec.
std::string label_name(const std::string& expression) {
  const auto field = expression.rfind("args.");
  std::size_t begin = field == std::string::npos ? 0 : field + 5;
  while (begin < expression.size() && !is_word(expression[begin])) {
    ++begin;
  }
  std::size_t end = begin;
  while (end < expression.size() && is_word(expression[end])) {
    ++end;
  }
  std::string name = expression.substr(begin, end - begin);
  return name.empty() || is_digit(name[0]) ? "label" : name;
}

config::Text located(std::string text, const std::string& option, std::uint32_t number = 1) {
  return {std::move(text), {option, number, 1}};
}

Result<config::Expression> parsed(std::string text, const std::string& option, std::uint32_t number = 1) {
  auto expression = config::parse_expression(std::move(text), {option, number, 1});
  return expression ? std::move(expression) : fail(std::move(expression.error()).with_context("metric \"top\": "));
}

Result<std::vector<config::Label>> labels_of(const std::vector<std::string>& by, TypedOptions& typed) {
  std::vector<config::Label> labels;
  for (const std::string& text : by) {
    const auto equals = text.find('=');
    const bool named = equals != std::string::npos && equals > 0 && text[equals + 1] != '=' &&
                       std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(equals), is_word);
    const std::string expression = typed.add("--by", named ? text.substr(equals + 1) : text);
    const std::string base = named ? text.substr(0, equals) : label_name(expression);
    std::string name = base;
    const auto used = [&](const std::string& candidate) {
      return std::any_of(labels.begin(), labels.end(),
                         [&](const config::Label& label) { return label.name.value == candidate; });
    };
    for (int number = 2; used(name); ++number) {
      name = base + "_" + std::to_string(number);
    }
    auto value = parsed(expression, "--by", static_cast<std::uint32_t>(labels.size() + 1));
    if (!value) {
      return fail(std::move(value.error()));
    }
    labels.push_back({located(name, "--by"), std::move(*value)});
  }
  return labels;
}

config::Events events_of(std::string name, const std::string& option) {
  std::replace(name.begin(), name.end(), ':', '/');
  config::Events events;
  events.names.push_back(located(std::move(name), option));
  return events;
}

/// The name of the metric, which also says its unit: `sched_switch_total`, `sys_exit_seconds`, `kmalloc_bytes_total`.
std::string metric_name(const TopRequest& request) {
  const std::string& event = request.from.empty() ? request.tracepoint : request.to;
  std::string name = event.substr(event.find_first_of("/:") + 1);
  std::replace_if(name.begin(), name.end(), [](char c) { return !is_word(c); }, '_');
  const bool bytes = request.from.empty() && label_name(request.value).find("bytes") != std::string::npos;
  name += !request.from.empty() ? "_seconds" : bytes && !name.ends_with("_bytes") ? "_bytes" : "";
  return name + (request.from.empty() && !request.histogram ? "_total" : "");
}

Result<std::variant<config::Events, config::Pair>> source_of(const TopRequest& request, TypedOptions& typed) {
  if (request.from.empty()) {
    return events_of(request.tracepoint, "top");
  }
  const auto key = parsed(typed.add("--key", request.key), "--key");
  if (!key) {
    return fail(key.error());
  }
  config::Pair source;
  source.from.push_back({events_of(request.from, "--from"), *key, std::nullopt, {}});
  source.to = {events_of(request.to, "--to"), *key, std::nullopt, {}};
  return source;
}

/// Sets `target` to the expression of an option that was given.
Result<void> read(const std::string& text, const std::string& option, TypedOptions& typed,
                  std::optional<config::Expression>& target) {
  if (text.empty()) {
    return {};
  }
  auto expression = parsed(typed.add(option, text), option);
  if (!expression) {
    return fail(std::move(expression.error()));
  }
  target = std::move(*expression);
  return {};
}

Result<config::Metric> ad_hoc(const TopRequest& request, TypedOptions& typed) {
  config::Metric metric;
  metric.name = located(metric_name(request), "top");
  const bool pair = !request.from.empty();
  auto source = source_of(request, typed);
  auto labels = labels_of(request.by.empty() ? std::vector<std::string>{"comm", "pid"} : request.by, typed);
  const auto filter = read(request.filter, "--filter", typed, metric.filter);
  const auto value = read(request.value, "--value", typed, metric.value);
  if (!source || !labels || !filter || !value) {
    return fail(!source ? source.error() : !labels ? labels.error() : !filter ? filter.error() : value.error());
  }
  metric.source = std::move(*source);
  metric.labels = std::move(*labels);
  if (pair || request.histogram) {
    metric.type = config::MetricType::Histogram;
    config::Buckets buckets;
    // Steps of a half, or of a power of two, bound the error of a percentile.
    buckets.shape = pair ? config::ExponentialBuckets{1e-7, 1.5, 48} : config::ExponentialBuckets{1, 2, 40};
    metric.buckets = buckets;
  }
  return metric;
}

Result<config::Config> configured(const TopRequest& request) {
  config::Loaded loaded = service::load_configuration(request.files);
  if (!loaded.errors.empty()) {
    return fail(std::move(loaded.errors.front()));
  }
  std::vector<std::string> names;
  config::Config found;
  for (config::Config::File& file : loaded.config.files) {
    for (config::Metric& metric : file.metrics) {
      const std::string full = config::full_name(file.name_space, metric.name.value);
      names.push_back(metric.name.value);
      if (found.files.empty() && (request.metric == metric.name.value || request.metric == full)) {
        found.files.push_back({file.path, file.text, file.name_space, {metric}, {}});
      }
    }
  }
  if (found.files.empty()) {
    std::string hint = did_you_mean(request.metric, names, 3);
    if (hint.empty() && !names.empty()) {
      hint = "it has " + joined(names);
    }
    return fail("metric " + request.metric + " not found in the configuration", hint);
  }
  return found;
}

}  // namespace

Result<void> check_request(const TopRequest& request) {
  const int sources =
      (request.tracepoint.empty() ? 0 : 1) + (request.metric.empty() ? 0 : 1) + (request.from.empty() ? 0 : 1);
  if (sources != 1) {
    return fail(sources == 0 ? "a tracepoint, --metric or --from and --to is required"
                             : "only one of a tracepoint, --metric and --from can be shown",
                "for example: tracepoint_exporter top sched/sched_switch --by prev_comm");
  }
  if (!request.from.empty() && request.to.empty()) {
    return fail("--to is required with --from",
                "for example: --from raw_syscalls/sys_enter --to raw_syscalls/sys_exit");
  }
  if (request.histogram && request.value.empty() && !request.tracepoint.empty()) {
    return fail("--value is required with --histogram", "for example: --histogram --value bytes");
  }
  return {};
}

Result<config::Config> top_configuration(const TopRequest& request, TypedOptions& typed) {
  if (!request.metric.empty()) {
    return configured(request);
  }
  auto metric = ad_hoc(request, typed);
  if (!metric) {
    return fail(std::move(metric.error()));
  }
  config::Config config;
  config.files.push_back({"top", "", "", {std::move(*metric)}, {}});
  return config;
}

}  // namespace tpx::cli
