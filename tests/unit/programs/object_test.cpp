#include "loader/object.h"

#include <cstdlib>
#include <cstring>

#include "plan/object_plan.h"
#include "service/configuration.h"
#include "skip.h"
#include "test_paths.h"

using namespace tpx;

#ifdef TPX_TEST_OBJECTS

namespace {

const SourceLocation kAt{"c.yaml", 3, 13};

Result<loader::ObjectFile> shapes(const std::map<std::string, config::Text>& options = {}) {
  return loader::ObjectFile::open(TPX_TEST_OBJECTS "/shapes.bpf.o", options, kAt);
}

config::ObjectMetric metric(const std::string& map) {
  config::ObjectMetric metric;
  metric.name = {"m_total", {"c.yaml", 5, 15}};
  metric.map = {map, {"c.yaml", 6, 14}};
  metric.at = {"c.yaml", 5, 9};
  return metric;
}

Result<plan::ObjectMetricPlan> planned(const config::ObjectMetric& metric) {
  auto file = shapes();
  REQUIRE(file);
  return plan::plan_object_metric(metric, metric.name.value, file->maps(), file->btf(), 2, service::planner_options());
}

config::Label label(const std::string& name, const std::string& expression) {
  return {{name, {"c.yaml", 7, 18}}, config::parse_expression(expression, {"c.yaml", 7, 22}).value()};
}

std::string error_of(const config::ObjectMetric& metric) {
  const auto result = planned(metric);
  REQUIRE_FALSE(result);
  CHECK(result.error().location);
  return result.error().message + "; " + result.error().hint;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("labels are the members of the key") {
  auto rich = metric("rich");
  rich.value = config::parse_expression("value.count", {"c.yaml", 8, 16}).value();
  const auto plan = planned(rich);
  REQUIRE(plan);
  std::string labels;
  for (const schema::KeyField& field : plan->planned.plan.key.fields) {
    labels += field.label + (field.decoders.empty() ? "" : ":" + field.decoders[0].name) + " ";
  }
  CHECK(labels == "pid error color:symbol comm peer_address:ip peer_port address6:ip ");
  const auto& fields = plan->planned.plan.key.fields;
  CHECK(fields[1].type == schema::ValueType{schema::ValueType::Kind::Integer, 2, true});
  CHECK(fields[2].decoders[0].field_names->symbols.at(5) == "GREEN");
  CHECK(fields[3].type == schema::ValueType{schema::ValueType::Kind::String, 16, false});
}

TEST_CASE("keys that are no struct") {
  REQUIRE(planned(metric("plain")));
  CHECK(planned(metric("plain"))->planned.plan.key.fields.at(0).label == "key");
  CHECK(planned(metric("cpus"))->planned.plan.key.fields.empty());
  CHECK(planned(metric("elements"))->planned.plan.key.fields.size() == 1);
}

TEST_CASE("labels and values are expressions over a row") {
  auto rich = metric("rich");
  rich.labels = {label("big", "if(key.pid > 1000, \"yes\", \"no\")"), label("port", "key.peer.port"),
                 label("twice", "key.pid * 2 + 1")};
  rich.value = config::parse_expression("value.count - value.bytes", {"c.yaml", 8, 16}).value();
  rich.filter = config::parse_expression("key.color == 5 && key.comm == \"name\"", {"c.yaml", 9, 16}).value();
  const auto plan = planned(rich);
  REQUIRE(plan);
  std::vector<std::byte> key(56);
  const std::uint32_t pid = 1500;
  const std::uint32_t green = 5;
  std::memcpy(key.data(), &pid, 4);
  std::memcpy(key.data() + 8, &green, 4);
  std::memcpy(key.data() + 12, "name\0x", 6);
  const std::int64_t value[2] = {10, -3};
  const typed::MapEntry row{key, std::as_bytes(std::span(value)), 0};
  const plan::ObjectRows& rows = plan->rows;
  CHECK(typed::text_of(*rows.labels[0], row) == "yes");
  CHECK(typed::integer_of(*rows.labels[2], row) == 3001);
  CHECK(typed::integer_of(*rows.value, row) == 13);
  CHECK(typed::integer_of(*rows.filter, row) == 1);
}

TEST_CASE("cpu splits a per-CPU map, and no other") {
  auto split = metric("cpus");
  split.labels = {label("cpu", "cpu")};
  REQUIRE(planned(split));
  CHECK(planned(split)->rows.by_cpu);
  split.map.value = "plain";
  CHECK(has(error_of(split), "map \"plain\" is not per CPU"));
}

TEST_CASE("histograms in a value and in the key") {
  auto histogram = metric("histograms");
  histogram.type = config::MetricType::Histogram;
  histogram.buckets = config::Buckets{config::ListedBuckets{{1, 2, 4}}, {"c.yaml", 9, 18}};
  auto plan = planned(histogram);
  REQUIRE(plan);
  CHECK(plan->rows.buckets->count == 4);
  CHECK(plan->rows.buckets->size == 4);
  histogram.map.value = "bucketed";
  plan = planned(histogram);
  REQUIRE(plan);
  CHECK(plan->rows.bucket);
  REQUIRE(plan->planned.plan.key.fields.size() == 1);
  CHECK(plan->planned.plan.key.fields[0].label == "device");
  histogram.map.value = "sumless";
  CHECK(has(error_of(histogram), "no member `sum`"));
  histogram.map.value = "histograms";
  histogram.buckets = config::Buckets{config::ListedBuckets{{1, 2}}, {"c.yaml", 9, 18}};
  CHECK(has(error_of(histogram), "keeps 4 buckets, the metric has 2 bounds"));
}

TEST_CASE("what does not fit the map says why") {
  CHECK(has(error_of(metric("plian")), "did you mean \"plain\"?"));
  CHECK(has(error_of(metric("events")), "has no rows to read"));
  CHECK(has(error_of(metric("opaque")), "__type(key"));
  CHECK(has(error_of(metric("rich")), "with members count, bytes"));
  auto rich = metric("rich");
  rich.value = config::parse_expression("value.count", {"c.yaml", 8, 16}).value();
  rich.labels = {label("a", "key.pdi")};
  CHECK(has(error_of(rich), "did you mean \"pid\"?"));
  rich.labels = {label("a", "pid")};
  CHECK(has(error_of(rich), "key.pid"));
  rich.labels = {label("a", "args.pid")};
  CHECK(has(error_of(rich), "no tracepoint's arguments"));
  rich.labels = {label("a", "syscall(key.comm)")};
  CHECK(has(error_of(rich), "takes an integer"));
  rich.labels = {label("a", "symbol(key.pid)")};
  CHECK(has(error_of(rich), "enum"));
  rich.labels.reset();
  rich.retire_on_exit = config::Text{"pid", {"c.yaml", 10, 9}};
  CHECK(has(error_of(rich), "sched_process_exit"));
}

TEST_CASE("options are checked against the variables") {
  const auto refused = [](const std::string& name, const std::string& value) {
    const auto file = shapes({{name, {value, {"c.yaml", 4, 20}}}});
    REQUIRE_FALSE(file);
    CHECK(file.error().location == SourceLocation{"c.yaml", 4, 20});
    return file.error().message + "; " + file.error().hint;
  };
  CHECK(has(refused("stpe", "1"), "did you mean \"step\"?"));
  CHECK(has(refused("step", "-1"), "from 0 to 4294967295"));
  CHECK(has(refused("step", "many"), "is an integer"));
  CHECK(has(refused("small", "128"), "from -128 to 127"));
  CHECK(has(refused("enabled", "maybe"), "is true or false"));
  CHECK(has(refused("title", "12345678"), "at most 7 bytes"));
  CHECK(has(refused("paint", "GREN"), "did you mean \"GREEN\"?"));
  CHECK(shapes(
      {{"step", {"0x10", {}}}, {"paint", {"GREEN", {}}}, {"title", {"1234567", {}}}, {"enabled", {"false", {}}}}));
}

TEST_CASE("files that are no objects") {
  const auto refused = [](const std::string& path) {
    const auto file = loader::ObjectFile::open(path, {}, kAt);
    REQUIRE_FALSE(file);
    CHECK(file.error().location == kAt);
    return file.error().message;
  };
  CHECK(has(refused("/no/such.bpf.o"), "No such file"));
  CHECK(has(refused(TPX_SOURCE_DIR "/README.md"), "is no BPF object"));
  const std::string bare = TPX_BINARY_DIR "/without_btf.bpf.o";
  const std::string command = std::string(
                                  "printf 'char LICENSE[] __attribute__((section(\"license\"))) = \"GPL\"; "
                                  "__attribute__((section(\"tp/a/b\"))) "
                                  "int f(void) { return 0; }' | " TPX_BPF_CLANG " -x c -O2 -target bpf -c - -o ") +
                              bare;
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(has(refused(bare), "has no type information (BTF)"));
}

#else

TEST_CASE("BPF objects") {
  TPX_SKIP("built without clang or bpftool");
}

#endif
