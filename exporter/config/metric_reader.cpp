#include "config/metric_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "config/buckets.h"
#include "config/names.h"
#include "config/source_reader.h"

namespace tpx::config {
namespace {

using yaml::Node;

const std::vector<std::string>& metric_keys() {
  static const std::vector<std::string> keys = {
      "name",   "help",  "type",  "tracepoint", "raw_tracepoint", "from",           "to",      "filter",
      "labels", "value", "scale", "buckets",    "max_series",     "retire_on_exit", "min_age", "per_cpu"};
  return keys;
}
const std::vector<std::string>& object_metric_keys() {
  static const std::vector<std::string> keys = {"name",  "help",  "type",    "map",        "filter",        "labels",
                                                "value", "scale", "buckets", "max_series", "retire_on_exit"};
  return keys;
}

std::optional<MetricType> read_type(Reader& reader, const Node& node) {
  static const std::vector<std::string> names = {"counter", "gauge", "histogram"};
  const auto text = reader.text(node, "type");
  if (!text) {
    return std::nullopt;
  }
  const auto found = std::find(names.begin(), names.end(), text->value);
  if (found == names.end()) {
    const std::string near = did_you_mean(text->value, names);
    reader.error(node, "there is no type " + in_quotes(text->value),
                 near.empty() ? "write counter, gauge or histogram" : near);
    return std::nullopt;
  }
  return static_cast<MetricType>(found - names.begin());
}

std::vector<Label> read_labels(Reader& reader, const Node& node, MetricType type) {
  std::vector<Label> labels;
  if (node.kind == Node::Kind::Sequence) {
    reader.error(node, "labels must be a map, this is a list", "write each as NAME: EXPRESSION, for example pid: pid");
    return labels;
  }
  const auto entries = reader.entries(node, "labels");
  if (!entries) {
    return labels;
  }
  for (const auto& [name, value] : *entries) {
    if (const auto problem = check_label_name(name, type)) {
      reader.add(*problem);
    }
    if (value->kind == Node::Kind::Null) {
      reader.add(Error{"label " + in_quotes(name.value) + " has no expression",
                       "write " + in_quotes(name.value + ": args.FIELD"), name.at});
      continue;
    }
    if (auto expression = reader.expression(*value, "the expression of label " + in_quotes(name.value))) {
      labels.push_back({name, std::move(*expression)});
    }
  }
  return labels;
}

// What metrics of tracepoints and of objects share.
template <class M>
void read_common(Reader& reader, const Fields& fields, const Node& node, M& metric) {
  bool type_known = true;  // a name can't be judged by a type that is misspelt
  if (const Node* type = fields.find("type")) {
    const auto read = read_type(reader, *type);
    type_known = read.has_value();
    metric.type = read.value_or(metric.type);
  }
  reader.set_metric({});
  if (auto name = reader.required_text(fields, "name", node, "the metric")) {
    reader.set_metric(name->value);
    metric.name = std::move(*name);
    if (const auto problem = check_metric_name(metric.name, metric.type); problem && type_known) {
      reader.add(*problem);
    }
  }
  metric.help = reader.optional_text(fields, "help");
  metric.filter = reader.optional_expression(fields, "filter");
  metric.value = reader.optional_expression(fields, "value");
  metric.retire_on_exit = reader.optional_text(fields, "retire_on_exit");
  if (const Node* scale = fields.find("scale")) {
    const auto number = reader.number(*scale, "scale");
    if (number && *number <= 0) {
      reader.error(*scale, "scale must be above 0");
    }
    metric.scale = number.value_or(1);
  }
  if (const Node* series = fields.find("max_series")) {
    metric.max_series = reader.integer(*series, "max_series", 1, kMostSeries).value_or(metric.max_series);
  }
  if (const Node* buckets = fields.find("buckets")) {
    metric.buckets = read_buckets(reader, *buckets);
  }
  if (type_known && metric.type == MetricType::Histogram && !fields.has("buckets")) {
    reader.error(node, "a histogram needs buckets", "add `buckets: {exponential: {start: …, factor: …, count: …}}`");
  }
  if (type_known && metric.type != MetricType::Histogram && fields.has("buckets")) {
    reader.error(*fields.key("buckets"), "only a histogram has buckets", "add `type: histogram`, or remove them");
  }
  metric.at = reader.at(node);
}

void check_retired(Reader& reader, const std::optional<Text>& retired, const std::vector<Label>& labels) {
  if (!retired) {
    return;
  }
  std::vector<std::string> names;
  names.reserve(labels.size());
  for (const Label& label : labels) {
    names.push_back(label.name.value);
  }
  if (std::find(names.begin(), names.end(), retired->value) == names.end()) {
    const std::string near = did_you_mean(retired->value, names);
    reader.add(Error{"retire_on_exit names no label: " + in_quotes(retired->value),
                     near.empty() ? "it names the label that holds a process or thread id" : near, retired->at});
  }
}

void read_min_age(Reader& reader, const Fields& fields, Metric& metric) {
  const Node* node = fields.find("min_age");
  if (node == nullptr) {
    return;
  }
  if (!fields.has("retire_on_exit")) {
    reader.error(*fields.key("min_age"), "min_age is for metrics with retire_on_exit", "add it, or remove min_age");
    return;
  }
  const auto text = reader.text(*node, "min_age");
  if (!text) {
    return;
  }
  metric.min_age = parse_duration(text->value);
  if (!metric.min_age) {
    reader.error(*node, "min_age is not a duration: " + in_quotes(text->value), "write it like 5s, 500ms, 1m30s or 0s");
  }
}

void read_per_cpu(Reader& reader, const Fields& fields, Metric& metric) {
  const Node* node = fields.find("per_cpu");
  const auto text = node == nullptr ? std::nullopt : reader.text(*node, "per_cpu");
  if (!text) {
    return;
  }
  if (text->value != "true" && text->value != "false") {
    reader.error(*node, "per_cpu is neither true nor false: " + in_quotes(text->value),
                 "write false where events are so rare that all CPUs may share a row");
    return;
  }
  if (metric.type == MetricType::Gauge) {
    reader.error(*fields.key("per_cpu"), "a gauge has one row for all CPUs", "remove per_cpu");
    return;
  }
  metric.per_cpu = text->value == "true";
}

/// A metric with an error, so that the planner can look for more: what contradicts itself is taken out.
template <class M>
M plannable(M metric) {
  if (metric.type == MetricType::Histogram && !metric.buckets) {
    metric.type = MetricType::Counter;
  }
  return metric;
}

void check_pair(Reader& reader, const Fields& fields, const Metric& metric) {
  if (fields.has("value")) {
    reader.error(*fields.key("value"), "a pair observes its duration, it has no value", "remove `value:`");
  }
  if (metric.type == MetricType::Gauge) {
    reader.error(*fields.key("type"), "a duration is a histogram or a counter of seconds, not a gauge");
  }
}

void read_object_metric(Reader& reader, const Node& node, Object& object) {
  const std::size_t before = reader.errors();
  const auto fields = reader.fields(node, "a metric of a program", object_metric_keys());
  if (!fields) {
    return;
  }
  ObjectMetric metric;
  read_common(reader, *fields, node, metric);
  if (auto map = reader.required_text(*fields, "map", node, "the metric")) {
    if (!is_identifier(map->value)) {
      reader.error(*fields->find("map"), in_quotes(map->value) + " is no name of a map");
    }
    metric.map = std::move(*map);
  }
  if (const Node* labels = fields->find("labels")) {
    const std::size_t before_labels = reader.errors();
    metric.labels = read_labels(reader, *labels, metric.type);
    if (reader.errors() == before_labels) {
      check_retired(reader, metric.retire_on_exit, *metric.labels);
    }
  }
  if (reader.errors() == before) {
    object.metrics.push_back(std::move(metric));
  } else {
    object.incomplete.push_back(plannable(std::move(metric)));
  }
}

void read_options(Reader& reader, const Node& node, std::map<std::string, Text>& options) {
  const auto entries = reader.entries(node, "options");
  if (!entries) {
    return;
  }
  for (const auto& [name, value] : *entries) {
    if (!is_identifier(name.value)) {
      reader.add(Error{"option " + in_quotes(name.value) + " is no name of a variable", {}, name.at});
    } else if (value->kind == Node::Kind::Null) {
      reader.add(Error{"option " + in_quotes(name.value) + " has no value", {}, name.at});
    } else if (value->kind == Node::Kind::Scalar) {
      options.emplace(name.value, Text{value->text, reader.at(*value)});  // an empty string is a value
    } else {
      static_cast<void>(reader.text(*value, "option " + in_quotes(name.value)));
    }
  }
}

}  // namespace

void read_metric(Reader& reader, const Node& node, Config::File& file) {
  const std::size_t before = reader.errors();
  const auto fields = reader.fields(node, "a metric", metric_keys());
  if (!fields) {
    return;
  }
  Metric metric;
  read_common(reader, *fields, node, metric);
  const std::size_t before_labels = reader.errors();
  if (const Node* labels = fields->find("labels")) {
    metric.labels = read_labels(reader, *labels, metric.type);
  }
  if (reader.errors() == before_labels) {  // a label left out for an error of its own is named all the same
    check_retired(reader, metric.retire_on_exit, metric.labels);
  }
  read_min_age(reader, *fields, metric);
  read_per_cpu(reader, *fields, metric);
  if (auto source = read_source(reader, *fields, node)) {
    metric.source = std::move(*source);
  }
  if (fields->has("from") || fields->has("to")) {
    check_pair(reader, *fields, metric);
  }
  if (reader.errors() == before) {
    file.metrics.push_back(std::move(metric));
    return;
  }
  if (std::holds_alternative<Pair>(metric.source)) {
    metric.value.reset();
  }
  file.incomplete.push_back(plannable(std::move(metric)));
}

std::optional<Object> read_object(Reader& reader, const Node& node) {
  const std::size_t before = reader.errors();
  const auto fields = reader.fields(node, "a program", {"object", "options", "metrics"});
  if (!fields) {
    return std::nullopt;
  }
  Object object;
  object.at = reader.at(node);
  if (auto file = reader.required_text(*fields, "object", node, "the program")) {
    object.file = std::move(*file);
  }
  if (const Node* options = fields->find("options")) {
    read_options(reader, *options, object.options);
  }
  if (!fields->has("metrics")) {
    reader.error(node, "the program has no metrics", "add `metrics:`");
  }
  const bool good = reader.errors() == before;
  if (const Node* metrics = fields->find("metrics")) {
    if (const auto items = reader.list(*metrics, "metrics")) {
      for (const Node* item : *items) {
        read_object_metric(reader, *item, object);
      }
    }
  }
  if (!good) {
    std::move(object.metrics.begin(), object.metrics.end(), std::back_inserter(object.incomplete));
    object.metrics.clear();
  }
  return object.file.value.empty() ? std::nullopt : std::optional(std::move(object));
}

}  // namespace tpx::config
