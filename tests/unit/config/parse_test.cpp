#include <algorithm>

#include "base/file.h"
#include "catch.h"
#include "test_paths.h"
#include "unit/config/helpers.h"

using namespace tpx;
using namespace tpx::config;

namespace {

const Metric& only_metric(const Loaded& loaded) {
  INFO(shown(loaded));
  REQUIRE(loaded.errors.empty());
  REQUIRE(loaded.config.files.size() == 1);
  REQUIRE(loaded.config.files[0].metrics.size() == 1);
  return loaded.config.files[0].metrics[0];
}

}  // namespace

TEST_CASE("every example of the design is read") {
  const auto loaded = parse("c.yaml", R"(namespace: tracepoint          # prefix

metrics:
  - name: context_switches_total
    help: Times a thread was switched off a CPU.
    tracepoint: sched/sched_switch
    labels:
      pid: args.prev_pid
      comm: args.prev_comm
    retire_on_exit: pid

  - name: openat_calls_total
    tracepoint: syscalls/sys_enter_openat
    labels: {pid: pid, comm: comm}
    retire_on_exit: pid

  - name: syscall_failures_total
    tracepoint: raw_syscalls/sys_exit
    filter: args.ret < 0 && args.ret > -4096
    labels: {syscall: syscall(args.id), error: errno(args.ret)}

  - name: block_request_size_bytes
    type: histogram
    tracepoint: block/block_rq_issue
    labels: {device: device(args.dev), operation: args.rwbs}
    value: args.bytes
    buckets: {exponential: {start: 512, factor: 2, count: 14}}

  - name: syscall_duration_seconds
    type: histogram
    from: {tracepoint: raw_syscalls/sys_enter, key: tid}
    to:   {tracepoint: raw_syscalls/sys_exit,  key: tid}
    labels: {syscall: syscall(from.args.id)}
    buckets: {exponential: {start: 1e-6, factor: 4, count: 12}}

  - name: cpu_frequency_hertz
    type: gauge
    tracepoint: power/cpu_frequency
    labels: {cpu: args.cpu_id}
    value: args.state
    scale: 1000

  - name: runs_total
    raw_tracepoint: sched_switch          # kernel types
    labels: {cgroup: cgroup_path(args.next->cgroups->dfl_cgrp->kn->id)}
)");
  INFO(shown(loaded));
  CHECK(loaded.errors.empty());
  const auto& metrics = loaded.config.files.at(0).metrics;
  REQUIRE(metrics.size() == 7);
  CHECK(loaded.config.files[0].name_space == "tracepoint");

  const Metric& switches = metrics[0];
  CHECK(switches.name.value == "context_switches_total");
  CHECK(switches.name.at == SourceLocation{"c.yaml", 4, 11});
  CHECK(switches.at == SourceLocation{"c.yaml", 4, 5});
  CHECK(switches.help->value == "Times a thread was switched off a CPU.");
  CHECK(switches.type == MetricType::Counter);
  const auto& events = std::get<Events>(switches.source);
  CHECK(events.kind == Events::Kind::Tracepoint);
  REQUIRE(events.names.size() == 1);
  CHECK(events.names[0].value == "sched/sched_switch");
  REQUIRE(switches.labels.size() == 2);
  CHECK(switches.labels[0].name.value == "pid");
  CHECK(switches.labels[1].expression.text == "args.prev_comm");
  CHECK(switches.labels[1].expression.at == SourceLocation{"c.yaml", 9, 13});
  CHECK(switches.retire_on_exit->value == "pid");
  CHECK(switches.max_series == 10240);
  CHECK(switches.scale == 1);
  CHECK_FALSE(switches.value);
  CHECK_FALSE(switches.buckets);

  CHECK(metrics[2].filter->text == "args.ret < 0 && args.ret > -4096");
  CHECK(metrics[3].type == MetricType::Histogram);
  CHECK(metrics[3].buckets->bounds().size() == 14);
  CHECK(metrics[3].buckets->bounds().back() == 512 * 8192.0);
  const auto& pair = std::get<Pair>(metrics[4].source);
  REQUIRE(pair.from.size() == 1);
  CHECK(pair.from[0].events.names[0].value == "raw_syscalls/sys_enter");
  CHECK(pair.to.key.text == "tid");
  CHECK(pair.to.at == SourceLocation{"c.yaml", 32, 11});
  CHECK(metrics[5].type == MetricType::Gauge);
  CHECK(metrics[5].scale == 1000);
  CHECK(std::get<Events>(metrics[6].source).kind == Events::Kind::RawTracepoint);
}

TEST_CASE("the built-in configuration is well-formed") {
  const auto text = read_file(TPX_SOURCE_DIR "/config/default.yaml");
  REQUIRE(text);
  const auto loaded = parse("default.yaml", *text);
  INFO(shown(loaded));
  CHECK(loaded.errors.empty());
}

TEST_CASE("tracepoints: colons, globs, lists") {
  const auto loaded = parse("c", R"(metrics:
  - name: x_total
    tracepoint: [sched:sched_wakeup, "sched/sched_wakeup_*", 'syscalls/sys_enter_?']
)");
  const auto& names = std::get<Events>(only_metric(loaded).source).names;
  REQUIRE(names.size() == 3);
  CHECK(names[0].value == "sched/sched_wakeup");
  CHECK(names[0].at == SourceLocation{"c", 3, 18});
  CHECK(names[1].value == "sched/sched_wakeup_*");
  CHECK(names[1].at.column == 39);
}

TEST_CASE("from may be a list") {
  const auto loaded = parse("c", R"(metrics:
  - name: wait_seconds
    type: histogram
    from:
      - {tracepoint: sched/sched_wakeup, key: args.pid}
      - tracepoint: [sched/sched_wakeup_new]
        key: args.pid
        filter: args.success == 1
    to: {raw_tracepoint: sched_switch, key: args.next->pid}
    buckets: {linear: {start: 0.5, width: 0.25, count: 3}}
    max_series: 16
)");
  const Metric& metric = only_metric(loaded);
  const auto& pair = std::get<Pair>(metric.source);
  REQUIRE(pair.from.size() == 2);
  CHECK_FALSE(pair.from[0].filter);
  CHECK(pair.from[1].filter->text == "args.success == 1");
  CHECK(pair.to.events.kind == Events::Kind::RawTracepoint);
  CHECK(metric.buckets->bounds() == std::vector<double>{0.5, 0.75, 1.0});
  CHECK(metric.max_series == 16);
}

TEST_CASE("a metric whose series end may say how old one has to be") {
  const auto loaded = parse("c", R"(metrics:
  - {name: a_total, tracepoint: a/b, labels: {pid: pid}, retire_on_exit: pid, min_age: 1m30s}
)");
  CHECK(only_metric(loaded).min_age == std::chrono::seconds(90));
}

TEST_CASE("per_cpu and max_bytes are read; of several files the least max_bytes counts") {
  const auto loaded = parse("c.yaml", R"(max_bytes: 64MiB
metrics:
  - {name: a_total, tracepoint: a/b, per_cpu: false}
)");
  CHECK(only_metric(loaded).per_cpu == false);
  CHECK(loaded.config.max_bytes() == 64ULL << 20U);
  config::Config several = loaded.config;
  several.files.emplace_back();
  several.files.back().max_bytes = 1U << 20U;
  several.files.emplace_back();
  CHECK(several.max_bytes() == 1U << 20U);
  CHECK_FALSE(config::Config{}.max_bytes());
  const auto wrong = parse("c.yaml", "max_bytes: 64MB\nmetrics: []\n");
  REQUIRE(wrong.errors.size() == 1);
  CHECK(wrong.errors[0].message == "max_bytes is not a number of bytes: \"64MB\"");
}

TEST_CASE("bounds are the numbers that were meant, without what rounding adds") {
  const auto bounds = [](const std::string& buckets) {
    const auto loaded =
        parse("c", "metrics:\n  - name: x\n    type: histogram\n    tracepoint: a/b\n    buckets: {" + buckets + "}\n");
    return only_metric(loaded).buckets->bounds();
  };
  CHECK(bounds("exponential: {start: 1e-6, factor: 10, count: 8}") ==
        std::vector<double>{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10});
  CHECK(bounds("exponential: {start: 0.1, factor: 3, count: 4}") == std::vector<double>{0.1, 0.3, 0.9, 2.7});
  CHECK(bounds("linear: {start: 0.1, width: 0.1, count: 8}") ==
        std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8});
  CHECK(bounds("exponential: {start: 1, factor: 2, count: 64}").back() == 0x1p63);
}

TEST_CASE("the syntax of every expression is checked as the file is read, with its place and metric") {
  const auto loaded = parse("c", R"(metrics:
  - name: x_total
    tracepoint: a/b
    filter: pid ==
    value: args.b +
    labels: {c: comm, d: arg.d}
  - name: y_seconds
    type: histogram
    buckets: [1]
    from: {tracepoint: a/b, key: tid)}
    to: {tracepoint: a/b, key: tid, filter: (cpu}
programs:
  - object: x.o
    metrics:
      - {name: z_total, map: m, value: value.}
)");
  INFO(shown(loaded));
  REQUIRE(loaded.errors.size() == 6);
  CHECK(has_error(loaded.errors, 4, 19, "metric \"x_total\": expected a value but found the end of the expression"));
  CHECK(has_error(loaded.errors, 5, 20, "metric \"x_total\": expected a value"));
  CHECK(has_error(loaded.errors, 6, 26, "metric \"x_total\": unknown name \"arg\"", "write args.d"));
  CHECK(has_error(loaded.errors, 10, 37, "metric \"y_seconds\": unexpected )"));
  CHECK(has_error(loaded.errors, 11, 45, "inside { } YAML ends this value"));
  CHECK(has_error(loaded.errors, 15, 46, "metric \"z_total\": expected a field name"));
  const Config::File& file = loaded.config.files[0];
  CHECK(file.metrics.empty());
  REQUIRE(file.incomplete.size() == 2);
  REQUIRE(file.incomplete[0].labels.size() ==
          1);  // what could be read is planned, so that its errors are found as well
  CHECK(expression::to_text(*file.incomplete[0].labels[0].expression.node) == "comm");
  const Pair& pair = std::get<Pair>(file.incomplete[1].source);
  CHECK(pair.from.at(0).key.node == nullptr);
  CHECK(pair.from.at(0).events.names.at(0).value == "a/b");
  CHECK(expression::to_text(*pair.to.key.node) == "tid");
}

TEST_CASE("an expression's place is where its text starts, however it is written") {
  const auto loaded = parse("c",
                            "metrics:\n"
                            "  - name: x_total\n"
                            "    tracepoint: a/b\n"
                            "    filter: \"!args.a\"\n"
                            "    value: 'args.b'\n"
                            "    labels:\n"
                            "      c: >\n"
                            "        args.c +\n"
                            "        1\n"
                            "      d: &anchor args.d\n"
                            "      e: *anchor\n"
                            "      f: \"~args.f\"\n");
  const Metric& metric = only_metric(loaded);
  CHECK(metric.filter->text == "!args.a");
  CHECK(metric.filter->at == SourceLocation{"c", 4, 14});
  CHECK(metric.value->at == SourceLocation{"c", 5, 13});
  REQUIRE(metric.labels.size() == 4);
  CHECK(metric.labels[0].expression.text == "args.c + 1\n");
  CHECK(metric.labels[0].expression.at == SourceLocation{"c", 8, 9});
  CHECK(metric.labels[1].expression.at == SourceLocation{"c", 10, 18});
  CHECK(metric.labels[2].expression.text == "args.d");
  CHECK(metric.labels[3].expression.text == "~args.f");
}

TEST_CASE("listed buckets") {
  const auto loaded = parse("c", R"(metrics:
  - name: x_bytes
    type: histogram
    tracepoint: a/b
    buckets: [-1, 0, 1.5, 1e3]
)");
  CHECK(only_metric(loaded).buckets->bounds() == std::vector<double>{-1, 0, 1.5, 1000});
  CHECK(only_metric(loaded).buckets->at == SourceLocation{"c", 5, 14});
}

TEST_CASE("namespaces") {
  CHECK(full_name("tracepoint", "x_total") == "tracepoint_x_total");
  CHECK(full_name("", "x_total") == "x_total");
  CHECK(parse("c", "metrics: []").config.files[0].name_space == "tracepoint");
  CHECK(parse("c", "namespace: ''\nmetrics: []").config.files[0].name_space.empty());
  CHECK(parse("c", "namespace: node\nmetrics: []").config.files[0].name_space == "node");
}

TEST_CASE("programs are read") {
  const auto loaded = parse("c", R"(programs:
  - object: offcpu.bpf.o
    options: {min_ns: 1000, name: "", targ_comm: bash}
    metrics:
      - name: offcpu_seconds_total
        help: Time off CPU.
        map: totals
        labels: {pid: key.pid, device: device(key.dev)}
        value: value.ns
        scale: 1e-9
        retire_on_exit: pid
      - name: latency_seconds
        type: histogram
        map: hists
        buckets: [1, 2]
        max_series: 100
        filter: key.dev != 0
)");
  INFO(shown(loaded));
  REQUIRE(loaded.errors.empty());
  REQUIRE(loaded.config.files[0].objects.size() == 1);
  const Object& object = loaded.config.files[0].objects[0];
  CHECK(object.file.value == "offcpu.bpf.o");
  CHECK(object.at == SourceLocation{"c", 2, 5});
  REQUIRE(object.options.size() == 3);
  CHECK(object.options.at("min_ns").value == "1000");
  CHECK(object.options.at("name").value.empty());
  REQUIRE(object.metrics.size() == 2);
  CHECK(object.metrics[0].labels->size() == 2);
  CHECK(object.metrics[0].map.value == "totals");
  CHECK(object.metrics[0].value->text == "value.ns");
  CHECK(object.metrics[0].scale == 1e-9);
  CHECK(object.metrics[0].max_series == 0);
  CHECK_FALSE(object.metrics[1].labels);
  CHECK(object.metrics[1].max_series == 100);
  CHECK(object.metrics[1].filter->text == "key.dev != 0");
}

TEST_CASE("metrics with an error are left out, the others stay") {
  const auto loaded = parse("c", R"(metrics:
  - {name: good_total, tracepoint: a/b}
  - {name: bad, tracepoint: a/b}
  - {name: also_good_total, tracepoint: a/b}
)");
  CHECK(loaded.errors.size() == 1);
  REQUIRE(loaded.config.files[0].metrics.size() == 2);
  CHECK(loaded.config.files[0].metrics[1].name.value == "also_good_total");
}
