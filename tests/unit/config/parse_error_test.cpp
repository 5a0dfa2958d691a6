#include "catch.h"
#include "unit/config/helpers.h"

using namespace tpx;
using namespace tpx::config;

namespace {

struct Wrong {
  const char* text;
  std::uint32_t line;
  std::uint32_t column;
  const char* message;  // a part of it
  const char* hint;     // a part of it
};

// Each text has exactly one error.
void check_each(const std::vector<Wrong>& all) {
  for (const Wrong& wrong : all) {
    const auto loaded = parse("c", wrong.text);
    INFO(wrong.text << "\n--\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(has_error(loaded.errors, wrong.line, wrong.column, wrong.message, wrong.hint));
    CHECK(loaded.config.files.at(0).metrics.empty());
  }
}

// A metric, in a list, with `keys` besides its name and tracepoint; they start on line 4, column 5.
std::string metric(const std::string& keys, const std::string& name = "x_total") {
  return "metrics:\n  - name: " + name + "\n    tracepoint: a/b\n    " + keys + '\n';
}

struct WrongKeys {
  const char* name;
  const char* keys;
  std::uint32_t line;
  std::uint32_t column;
  const char* message;
  const char* hint;
};

}  // namespace

TEST_CASE("errors of the file") {
  check_each({
      {"", 1, 1, "the file is empty", "metrics"},
      {"# nothing\n", 1, 1, "the file is empty", ""},
      {"metrics\n", 1, 1, "the file must be a map, this is text", ""},
      {"- a\n", 1, 1, "the file must be a map, this is a list", "write `metrics:` above it"},
      {"{}", 1, 1, "neither metrics nor programs", ""},
      {"metrics: []\nmetric: []\n", 2, 1, "the file has no key \"metric\"", "did you mean \"metrics\"?"},
      {"metrics: []\nzzz: 1\n", 2, 1, "the file has no key \"zzz\"",
       "it may have namespace, max_bytes, metrics, programs"},
      {"metrics: []\nmetrics: []\n", 2, 1, "\"metrics\" is here twice", "line 1"},
      {"metrics:\n", 1, 1, "metrics has no value", ""},
      {"metrics: 1", 1, 10, "metrics must be a list, this is text", ""},
      {"metrics: {a: b}", 1, 10, "metrics must be a list, this is a map", "begin each metric with `- name:`"},
      {"metrics: [x]", 1, 11, "a metric must be a map, this is text", ""},
      {"metrics: []\nnamespace: a-b", 2, 12, "namespace \"a-b\"", ""},
      {"metrics: []\nnamespace: [a]", 2, 12, "namespace must be text, this is a list", ""},
      {"metrics: []\nnamespace:", 2, 1, "namespace has no value", ""},
      {"metrics: []\n---\nmetrics: []\n", 2, 1, "only one YAML document", "split"},
      {"? [a]\n: b\nmetrics: []\n", 1, 3, "a key must be text, this is a list", ""},
      {"metrics: []\n\x01\n", 2, 1, "control character", ""},
      {"metrics: []\n# \xFF\n", 2, 3, "not valid UTF-8", ""},
  });
}

TEST_CASE("binary, huge, deep and expanding files are refused at once") {
  CHECK(has_error(parse("c", std::string("a: \0b", 5)).errors, 1, 4, "control character (0)"));
  const auto huge = parse("c", std::string(10U << 20U, '['));
  REQUIRE(huge.errors.size() == 1);
  CHECK(huge.errors[0].message.find("more than 4194304 bytes") != std::string::npos);
  CHECK(parse("c", std::string(3U << 20U, '[')).errors.at(0).message == "nested deeper than 64 levels");
  std::string flow_maps;
  for (int i = 0; i < 100000; ++i) {
    flow_maps += "{a: ";
  }
  CHECK(parse("c", flow_maps).errors.at(0).message == "nested deeper than 64 levels");
  std::string dashes;
  for (int i = 0; i < 10000; ++i) {
    dashes += "- ";
  }
  CHECK(has_error(parse("c", dashes).errors, 1, 129, "deeper than 64"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = " *a" + std::to_string(i - 1) + " ";
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) {
      bomb += before + ",";
    }
    bomb += before + "]\n";
  }
  const auto expanded = parse("c", bomb);
  REQUIRE(expanded.errors.size() == 1);
  CHECK(expanded.errors[0].message.find("more than 200000 YAML values") != std::string::npos);
  std::string many = "metrics: [";
  for (int i = 0; i < 300000; ++i) {
    many += "a,";
  }
  CHECK(parse("c", many + "]").errors.at(0).message.find("more than 200000") != std::string::npos);
  CHECK(parse("c", "&a [*a]").errors.at(0).message.find("an alias inside of what it names") != std::string::npos);
}

TEST_CASE("many errors are cut off") {
  std::string text = "metrics:\n";
  for (int i = 0; i < 500; ++i) {
    text += " - {}\n";
  }
  const auto loaded = parse("c", text);
  REQUIRE(loaded.errors.size() == 101);
  CHECK(loaded.errors.back().message == "and 900 more errors");
}

TEST_CASE("errors of a metric's keys") {
  const std::vector<WrongKeys> all = {
      {"x_total", "lables: {}", 4, 5, "a metric has no key \"lables\"", "did you mean \"labels\"?"},
      {"x_total", "name: y_total", 4, 5, "\"name\" is here twice", "line 2"},
      {"x_total", "filter:", 4, 5, "filter has no value", ""},
      {"x_total", "filter: ''", 4, 14, "filter is empty", ""},
      {"x_total", "filter: [a]", 4, 13, "filter must be text, this is a list", ""},
      {"x_total", "help: {a: b}", 4, 11, "help must be text, this is a map", ""},
      {"x_total", "type: guage", 4, 11, "no type \"guage\"", "did you mean \"gauge\"?"},
      {"x_total", "type: summary", 4, 11, "no type \"summary\"", "counter, gauge or histogram"},
      {"x_total", "max_series: 0", 4, 17, "max_series must be a whole number from 1 to 1000000", ""},
      {"x_total", "max_series: 1000001", 4, 17, "max_series must be", ""},
      {"x_total", "max_series: 1.5", 4, 17, "this is \"1.5\"", ""},
      {"x_total", "max_series: -1", 4, 17, "max_series must be", ""},
      {"x_total", "max_series: 99999999999999999999", 4, 17, "max_series must be", ""},
      {"x_total", "scale: 0", 4, 12, "scale must be above 0", ""},
      {"x_total", "scale: -1", 4, 12, "scale must be above 0", ""},
      {"x_total", "scale: .inf", 4, 12, "scale must be a finite number", ""},
      {"x_total", "scale: nan", 4, 12, "finite", ""},
      {"x_total", "scale: 1e999", 4, 12, "out of range", ""},
      {"x_total", "scale: abc", 4, 12, "scale must be a finite number, this is \"abc\"", ""},
      {"x_total", "buckets: [1]", 4, 5, "only a histogram has buckets", "type: histogram"},
      {"x_total", "retire_on_exit: pid", 4, 21, "the metric has no label \"pid\" to retire on exit", ""},
      {"x_total", "labels: {pid: pid}\n    retire_on_exit: pdi", 5, 21, "the metric has no label",
       "did you mean \"pid\"?"},
      {"x_total", "labels: {pid: ''}\n    retire_on_exit: pid", 4, 20, "is empty", ""},
      {"x_total", "per_cpu: maybe", 4, 14, "per_cpu is neither true nor false: \"maybe\"", "write false"},
      {"x_total", "min_age: 5s", 4, 5, "min_age is for metrics with retire_on_exit", "add it"},
      {"x_total", "labels: {pid: pid}\n    retire_on_exit: pid\n    min_age: 5", 6, 14,
       "min_age is not a duration: \"5\"", "5s"},
      {"x_total", "from: {tracepoint: a/b, key: tid}", 4, 5, "either a tracepoint or from and to", ""},
      {"x_total", "raw_tracepoint: x", 4, 5, "both tracepoint and raw_tracepoint", ""},
  };
  for (const WrongKeys& wrong : all) {
    const auto loaded = parse("c", metric(wrong.keys, wrong.name));
    INFO(wrong.keys << "\n--\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(has_error(loaded.errors, wrong.line, wrong.column, wrong.message, wrong.hint));
    CHECK(loaded.config.files.at(0).metrics.empty());
  }
}

TEST_CASE("what a metric must have") {
  check_each({
      {"metrics:\n  - {tracepoint: a/b}", 2, 5, "the metric has no name", ""},
      {"metrics:\n  - {name: x_total}", 2, 5, "the metric has no tracepoint", "tracepoint: category/name"},
      {"metrics:\n  - {name: x_total, from: {tracepoint: a/b, key: tid}}", 2, 21, "from without to", ""},
      {"metrics:\n  - {name: x_total, to: {tracepoint: a/b, key: tid}}", 2, 21, "to without from", ""},
      {"metrics:\n  - {name: x_seconds, tracepoint: a/b, type: histogram}", 2, 5, "a histogram needs buckets", ""},
      {"metrics:\n  - {name: x_total, tracepoint: []}", 2, 33, "list of tracepoints is empty", ""},
      {"metrics:\n  - {name: x_total, tracepoint: [a/b, a:b]}", 2, 39, "\"a/b\" is listed twice", ""},
      {"metrics:\n  - {name: x_total, tracepoint: {a: b}}", 2, 33, "tracepoint must be text or a list", ""},
      {"metrics:\n  - {name: x_total, tracepoint: sched_switch}", 2, 33, "is not a tracepoint", "category/name"},
      {"metrics:\n  - {name: x_total, tracepoint: 'tracepoint:sched:sched_switch'}", 2, 34, "is not a tracepoint",
       "write sched/sched_switch"},
      {"metrics:\n  - {name: x_total, tracepoint: /sys/kernel/tracing/events/sched/sched_switch}", 2, 33,
       "is not a tracepoint", "write sched/sched_switch"},
      {"metrics:\n  - {name: x_total, tracepoint: a b/c}", 2, 33, "is not a tracepoint", ""},
      {"metrics:\n  - {name: x_total, raw_tracepoint: sched/sched_switch}", 2, 37, "is not a raw tracepoint",
       "write sched_switch"},
      {"metrics:\n  - {name: x_total, raw_tracepoint: sched_*}", 2, 37, "is not a raw tracepoint", "write each name"},
  });
}

TEST_CASE("errors of pairs") {
  const std::string end = ", to: {tracepoint: a/b, key: tid}, name: x_seconds_total}]";
  const std::string start = "metrics: [{from: ";
  const auto from = [&](const std::string& text) { return start + text + end; };
  const std::string good = "{tracepoint: a/b, key: tid}";
  struct Case {
    std::string text;
    std::uint32_t column;
    const char* message;
    const char* hint;
  };
  for (const Case& wrong : std::vector<Case>{
           {from("sched/sched_wakeup"), 18, "from must be a map", "write {tracepoint: sched/sched_wakeup, key: tid}"},
           {from("[]"), 18, "list of starts is empty", ""},
           {from("{tracepoint: a/b}"), 18, "from has no key", "key: tid"},
           {from("{key: tid}"), 18, "from has no tracepoint", ""},
           {from("[" + good + ", {key: tid}]"), 48, "from has no tracepoint", ""},
           {from("{tracepoint: a/b, key: tid, kee: 1}"), 46, "from has no key \"kee\"", "did you mean \"key\"?"},
           {from(good + ", value: 1"), 47, "observes its duration", "remove"},
           {start + good + ", to: {tracepoint: a/b, key: tid}, name: x_seconds, type: gauge}]", 97, "not a gauge", ""},
       }) {
    const auto loaded = parse("c", wrong.text);
    INFO(wrong.text << "\n--\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(has_error(loaded.errors, 1, wrong.column, wrong.message, wrong.hint));
  }
  CHECK(parse("c", from(good)).errors.empty());
}

TEST_CASE("errors of buckets") {
  struct Case {
    const char* buckets;
    std::uint32_t column;
    const char* message;
  };
  for (const Case& wrong : std::vector<Case>{
           {"12", 14, "buckets must be a map or a list"},
           {"{}", 14, "either exponential or linear"},
           {"{exponential: {start: 1, factor: 2, count: 3}, linear: {start: 1, width: 2, count: 3}}", 14, "either"},
           {"{exponentail: {start: 1, factor: 2, count: 3}}", 15, "buckets has no key"},
           {"{exponential: {start: 1, factor: 2}}", 28, "exponential has no count"},
           {"{exponential: {start: 1, width: 2, factor: 2, count: 1}}", 39, "exponential has no key \"width\""},
           {"{exponential: {start: 0, factor: 2, count: 3}}", 28, "start of exponential buckets must be above 0"},
           {"{exponential: {start: 1, factor: 1, count: 3}}", 28, "factor of exponential buckets must be above 1"},
           {"{exponential: {start: 1, factor: 2, count: 0}}", 57, "count must be a whole number from 1 to 128"},
           {"{exponential: {start: 1, factor: 2, count: 129}}", 57, "count must be"},
           {"{exponential: {start: 1, factor: x, count: 2}}", 47, "factor must be a finite number"},
           {"{exponential: {start: 1e300, factor: 10, count: 20}}", 14, "do not increase within the range"},
           {"{exponential: [1]}", 28, "exponential must be a map"},
           {"{linear: {start: 1, width: 0, count: 2}}", 23, "width of linear buckets must be above 0"},
           {"{linear: {start: 1e300, width: 1, count: 2}}", 14, "do not increase"},
           {"[]", 14, "1 to 128 upper bounds, these are 0"},
           {"[1, 1]", 18, "bounds must increase, and \"1\""},
           {"[2, 1]", 18, "bounds must increase"},
           {"[1, +Inf]", 18, "+Inf is there by itself"},
           {"[1, x]", 18, "a bound must be a finite number"},
           {"[1, [2]]", 18, "a bound must be a number, this is a list"},
       }) {
    const auto loaded = parse("c", metric("type: histogram\n    buckets: " + std::string(wrong.buckets), "x_seconds"));
    INFO(wrong.buckets << "\n--\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(has_error(loaded.errors, 5, wrong.column, wrong.message));
  }
  std::string many = "[1";
  for (int i = 2; i <= 129; ++i) {
    many += ", " + std::to_string(i);
  }
  CHECK(
      has_error(parse("c", metric("type: histogram\n    buckets: " + many + "]", "x")).errors, 5, 14, "these are 129"));
}

TEST_CASE("errors of labels") {
  struct Case {
    const char* labels;
    std::uint32_t column;
    const char* message;
    const char* hint;
  };
  for (const Case& wrong : std::vector<Case>{
           {"[pid]", 13, "labels must be a map, this is a list", "NAME: EXPRESSION"},
           {"{pid: pid, comm}", 24, "label \"comm\" has no expression", "comm: args.FIELD"},
           {"{pid: pid, pid: tid}", 24, "\"pid\" is here twice", ""},
           {"{a-b: pid}", 14, "label name \"a-b\"", "write a_b"},
           {"{1: pid}", 14, "label name \"1\"", ""},
           {"{__x: pid}", 14, "starts with __", ""},
           {"{x: [pid]}", 17, "must be text, this is a list", ""},
           {"{x: ''}", 18, "is empty", ""},
       }) {
    const auto loaded = parse("c", metric("labels: " + std::string(wrong.labels)));
    INFO(wrong.labels << "\n--\n" << shown(loaded));
    CHECK(loaded.errors.size() == 1);
    CHECK(has_error(loaded.errors, 4, wrong.column, wrong.message, wrong.hint));
  }
  const auto histogram = parse("c", metric("type: histogram\n    buckets: [1]\n    labels: {le: pid}", "x"));
  CHECK(has_error(histogram.errors, 6, 14, "label le is the histogram's own"));
  CHECK(parse("c", metric("labels: {le: pid}")).errors.empty());
}

TEST_CASE("errors of programs") {
  check_each({
      {"programs:\n  - {metrics: []}", 2, 5, "the program has no object", ""},
      {"programs:\n  - {object: x.o}", 2, 5, "the program has no metrics", ""},
      {"programs:\n  - {object: x.o, metrics: [], maps: x}", 2, 32, "a program has no key \"maps\"", ""},
      {"programs:\n  - {object: x.o, metrics: [{name: x_total}]}", 2, 29, "the metric has no map", ""},
      {"programs:\n  - {object: x.o, metrics: [{name: x_total, map: a b}]}", 2, 50, "no name of a map", ""},
      {"programs:\n  - {object: x.o, metrics: [{name: x_total, map: m, tracepoint: a/b}]}", 2, 53,
       "a metric of a program has no key \"tracepoint\"", ""},
      {"programs:\n  - {object: x.o, metrics: [], options: {a b: 1}}", 2, 42, "option \"a b\"", ""},
      {"programs:\n  - {object: x.o, metrics: [], options: {a: }}", 2, 42, "option \"a\" has no value", ""},
      {"programs:\n  - {object: x.o, metrics: [], options: {a: [1]}}", 2, 45, "must be text", ""},
      {"programs:\n  - {object: x.o, metrics: [{name: x_total, map: m, labels: {a: key.a}, retire_on_exit: b}]}", 2, 89,
       "the metric has no label", ""},
  });
}
