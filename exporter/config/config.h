#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "expression/ast.h"

namespace tpx::config {

/// A scalar of the file with the place its text starts (after an opening quote).
template <class T>
struct Located {
  T value{};
  SourceLocation at;
};

using Text = Located<std::string>;

/// An expression of the file, parsed.
struct Expression {
  std::string text;          ///< as written
  expression::NodePtr node;  ///< null only in an incomplete metric (see Config), where it could not be read
  SourceLocation at;         ///< where the text starts
};

/// Parses `text`, which starts at `at`. The error has its location.
[[nodiscard]] Result<Expression> parse_expression(std::string text, SourceLocation at);

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };

/// Where events come from. `tracepoint:` patterns are `category/name` (a ':' in the file is already turned into '/') and
/// may hold globs; `raw_tracepoint:` names are exact.
struct Events {
  enum class Kind : std::uint8_t { Tracepoint, RawTracepoint };
  Kind kind = Kind::Tracepoint;
  std::vector<Text> names;
};

/// One side of a pair.
struct Endpoint {
  Events events;
  Expression key;
  std::optional<Expression> filter;
  SourceLocation at;
};

/// A duration between two events: any of `from` starts it, `to` ends it.
struct Pair {
  std::vector<Endpoint> from;
  Endpoint to;
};

struct ExponentialBuckets {
  double start = 0;
  double factor = 0;
  std::uint32_t count = 0;
};
struct LinearBuckets {
  double start = 0;
  double width = 0;
  std::uint32_t count = 0;
};
/// Upper bounds, strictly increasing, without +Inf.
struct ListedBuckets {
  std::vector<double> bounds;
};
struct Buckets {
  std::variant<ExponentialBuckets, LinearBuckets, ListedBuckets> shape;
  SourceLocation at;
  /// The upper bounds in the exposed unit, strictly increasing, without +Inf.
  [[nodiscard]] std::vector<double> bounds() const;
};

struct Label {
  Text name;
  Expression expression;
};

/// The largest max_series.
inline constexpr std::uint32_t kMostSeries = 1'000'000;

/// One metric as written.
struct Metric {
  Text name;  ///< without the namespace prefix
  std::optional<Text> help;
  MetricType type = MetricType::Counter;
  std::variant<Events, Pair> source;
  std::optional<Expression> filter;
  std::vector<Label> labels;  ///< in the order of the file
  std::optional<Expression> value;
  double scale = 1;
  std::optional<Buckets> buckets;
  std::uint32_t max_series = 10240;  ///< 1 to kMostSeries
  std::optional<Text> retire_on_exit;
  std::optional<std::chrono::nanoseconds> min_age;  ///< only with retire_on_exit
  SourceLocation at;
  /// Whether each CPU has rows of its own; without it the planner decides by the events.
  std::optional<bool> per_cpu = {};
};

/// One metric of a BPF object: read from one of its maps. Empty `labels` means: the key struct's members.
struct ObjectMetric {
  Text name;
  std::optional<Text> help;
  MetricType type = MetricType::Counter;
  Text map;
  std::optional<std::vector<Label>> labels;
  std::optional<Expression> value;
  std::optional<Expression> filter;
  double scale = 1;
  std::optional<Buckets> buckets;
  std::uint32_t max_series = 0;  ///< 0: as the object says
  std::optional<Text> retire_on_exit;
  SourceLocation at;
};

/// A BPF object file and what to read from it.
struct Object {
  Text file;  ///< as written; relative to the directory of the configuration file
  std::map<std::string, Text> options;
  std::vector<ObjectMetric> metrics;
  SourceLocation at;
  std::vector<ObjectMetric> incomplete = {};  ///< see Config
};

/// One or several files, merged. `name_prefix` of a metric comes from its own file's `namespace`.
///
/// `incomplete` metrics have an error: they hold what could be read, with an empty list of tracepoints where their source
/// could not. They are never served; the planner looks through them so that one run reports all errors.
struct Config {
  struct File {
    std::string path;
    std::string text;  ///< kept for caret lines of errors
    std::string name_space = "tracepoint";
    std::vector<Metric> metrics;
    std::vector<Object> objects;
    std::vector<Metric> incomplete = {};
    std::optional<std::uint64_t> max_bytes = {};  ///< see plan::Plan
  };
  std::vector<File> files;
  /// The least `max_bytes` of the files.
  [[nodiscard]] std::optional<std::uint64_t> max_bytes() const;
};

/// A configuration with everything wrong in it. What is in `config` is well-formed even if `errors` is not empty: the
/// metrics with an error are among the incomplete ones.
struct Loaded {
  Config config;
  Errors errors;
};

/// Reads one file's text. Checks all that needs no kernel: YAML, the syntax of expressions, keys (unknown, duplicate, missing, exclusive), types,
/// ranges, metric and label names, names used twice, counters ending in _total, bucket bounds. Never throws.
[[nodiscard]] Loaded parse(const std::string& path, const std::string& text);

/// The files that a path stands for: itself, or the *.yaml of a directory in byte order, without hidden ones. Fails when the
/// directory can't be read.
[[nodiscard]] Result<std::vector<std::string>> files_of(const std::string& path);

/// Reads and merges the files of the paths. A name used in two files is an error, and so is a directory without files.
[[nodiscard]] Loaded load(const std::vector<std::string>& paths);

/// `namespace_name`, or the name alone when the namespace is empty.
[[nodiscard]] std::string full_name(const std::string& name_space, const std::string& name);

/// The errors as a compiler prints them, each with its source line and caret where the location lies in one of the
/// files of `config`:  `file:line:column: error: message; hint`. `severity` stands in place of `error`.
[[nodiscard]] std::string render(const Errors& errors, const Config& config, std::string_view severity = "error");

/// One error as render() begins it, without its source line: `file:line:column: error: message; hint`.
[[nodiscard]] std::string render_line(const Error& error);

/// The errors in the order of render(): those without a place first, then file by file.
[[nodiscard]] Errors by_place(Errors errors);

}  // namespace tpx::config
