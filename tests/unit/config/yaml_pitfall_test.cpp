// What YAML makes of expressions that should have been quoted.

#include "catch.h"
#include "unit/config/helpers.h"

using namespace tpx;
using namespace tpx::config;

namespace {

constexpr const char* kQuote = "single quotes";

Loaded with_filter(const std::string& filter) {
  return parse("c", "metrics:\n  - name: x_total\n    tracepoint: a/b\n    filter: " + filter + "\n");
}

Loaded with_labels(const std::string& labels) {
  return parse("c", "metrics:\n  - name: x_total\n    tracepoint: a/b\n    labels: " + labels + "\n");
}

const std::vector<Metric>& metrics_of(const Loaded& loaded) {
  return loaded.config.files.at(0).metrics;
}

}  // namespace

TEST_CASE("a tag, an alias or an anchor that is an expression") {
  for (const char* filter : {"!args.x", "! args.x", "!(args.x == 1)", "!args.x && pid"}) {
    const auto loaded = with_filter(filter);
    INFO(filter << "\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(has_error(loaded.errors, 4, 13, "for a tag", kQuote));
  }
  const auto anchor = with_filter("&args.x");
  CHECK(anchor.errors.size() == 1);
  CHECK(has_error(anchor.errors, 4, 13, "YAML takes \"&args.x\" for an anchor", kQuote));
  CHECK(has_error(with_filter("*args.x").errors, 4, 13, "YAML: the referenced anchor is not defined", kQuote));
  CHECK(has_error(with_filter("* 2").errors, 4, 14, "YAML: alias not found after *", kQuote));
  CHECK(has_error(with_labels("{a: !x, b: pid}").errors, 4, 17, "YAML takes \"!x\" for a tag", kQuote));
}

TEST_CASE("a metric is left out for a tag anywhere in it, not counted without what was meant there") {
  for (const char* more :
       {"filter: !args.x", "value: !args.x", "scale: !2 2", "max_series: !2 2", "labels: {a: !x, b: pid}",
        "labels: {!a a: pid}", "labels: !a {a: pid}", "retire_on_exit: !a a", "help: !a a",
        "type: histogram\n    buckets: [1, ! 2, 3]",
        "type: histogram\n    buckets: !a {linear: {start: 1, width: 1, count: 2}}",
        "type: histogram\n    buckets: {linear: {start: 1, width: 1, count: !2 2}}", "!a scale: 2"}) {
    const std::string name = std::string_view(more).starts_with("type: histogram") ? "x" : "x_total";
    const auto loaded = parse("c", "metrics:\n  - name: " + name + "\n    tracepoint: a/b\n    " + more +
                                       "\n  - {name: y_total, tracepoint: a/b}\n");
    INFO(more << "\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    REQUIRE(metrics_of(loaded).size() == 1);
    CHECK(metrics_of(loaded)[0].name.value == "y_total");
  }
  for (const char* source :
       {"tracepoint: [a/b, !c c/d]", "from: {tracepoint: a/b, key: !tid tid}\n    to: {tracepoint: c/d, key: tid}",
        "from: [!a {tracepoint: a/b, key: tid}, {tracepoint: c/d, key: tid}]\n    to: {tracepoint: e/f, key: tid}"}) {
    const auto loaded = parse("c", std::string("metrics:\n  - name: x_total\n    ") + source + "\n");
    INFO(source << "\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(metrics_of(loaded).empty());
  }
}

TEST_CASE("characters that YAML reserves") {
  for (const char* filter : {"@x", "`x", "%x"}) {
    CHECK(has_error(with_filter(filter).errors, 4, 13, "YAML: unknown token", kQuote));
  }
}

TEST_CASE("a value that starts with a quote and goes on") {
  const auto loaded = with_filter("\"bash\" == comm");
  INFO(shown(loaded));
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].location->line == 4);
  CHECK(loaded.errors[0].hint.find(kQuote) != std::string::npos);
}

TEST_CASE("a colon with a space") {
  const auto loaded = with_filter("map(args.x, 1=\"a: b\")");
  INFO(shown(loaded));
  CHECK(has_error(loaded.errors, 4, 29, "YAML: illegal map value", kQuote));
}

TEST_CASE("a comment in a string") {
  const auto loaded = with_filter("comm == \"a #b\"");
  INFO(shown(loaded));
  CHECK(loaded.errors.size() == 1);
  CHECK(has_error(loaded.errors, 4, 13, "where a comment starts: \"comm == \"a\"", kQuote));
  CHECK(with_filter("comm == \"a\" # a comment").errors.empty());
}

TEST_CASE("commas inside a flow map") {
  const auto loaded = with_labels("{a: if(pid, 1, 2), b: comm}");
  INFO(shown(loaded));
  CHECK(loaded.errors.size() == 1);
  CHECK(has_error(loaded.errors, 4, 17, "ends this value at its comma or bracket: \"if(pid\"", kQuote));
  const auto names = with_labels("{a: map(args.x, 1=\"read\", 2=\"write\")}");
  INFO(shown(names));
  CHECK(names.errors.size() == 1);
  CHECK(with_labels("{a: 'if(pid, 1, 2)', b: \"str(args.x, 8)\"}").errors.empty());
  const auto metric = parse("c", "metrics: [{name: x_total, tracepoint: a/b, filter: if(pid, 1, 2)}]");
  INFO(shown(metric));
  CHECK(metric.errors.size() == 1);
  CHECK(has_error(metric.errors, 1, 52, "ends this value at its comma", kQuote));
}

TEST_CASE("brackets inside a flow map") {
  const auto loaded = with_labels("{a: args.x[1]}");
  INFO(shown(loaded));
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].location->line == 4);
  CHECK(loaded.errors[0].hint.find(kQuote) != std::string::npos);
}

TEST_CASE("a NUL escape") {
  CHECK(has_error(with_filter("\"a\\0b\"").errors, 4, 13, "NUL"));
}

TEST_CASE("tabs") {
  CHECK(has_error(parse("c", "metrics:\n\t- name: x\n").errors, 2, 2, "YAML:", "not with tabs"));
  CHECK(has_error(parse("c", "metrics: []\nx:\n\tname: x\n").errors, 3, 6, "YAML:", "not with tabs"));
}

TEST_CASE("wrong indentation") {
  CHECK(has_error(parse("c", "- a\nb: c\n").errors, 2, 1, "belongs to nothing above", "indentation"));
}

TEST_CASE("what needs no quotes") {
  for (const char* filter :
       {"args.ret < 0 && args.ret > -4096", "-1 < args.x", "~args.x == 0", "(pid == 1)", "comm == \"bash\"",
        "if(pid == 1, 2, 3)", "args.x[1] == 2", "pid % 2", "pid|1", "0 > pid", "map(args.x, 1=\"r\", 2=\"w\")"}) {
    const auto loaded = with_filter(filter);
    INFO(filter << "\n" << shown(loaded));
    REQUIRE(loaded.errors.empty());
    CHECK(loaded.config.files[0].metrics.at(0).filter->text == filter);
  }
}

TEST_CASE("anchors and aliases of whole values work") {
  const auto loaded = parse("c", R"(metrics:
  - name: a_total
    tracepoint: a/b
    labels: &common {pid: pid, comm: comm}
  - name: b_total
    tracepoint: a/c
    labels: *common
)");
  INFO(shown(loaded));
  CHECK(loaded.errors.empty());
  CHECK(loaded.config.files[0].metrics.at(1).labels.size() == 2);
}
