// One run reports every error: a key that is wrong hides no field, a label no other, a file none of the next.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "config/config.h"
#include "service/configuration.h"
#include "service/prepare.h"
#include "support/fixtures.h"

namespace tpx::test {
namespace {

struct Scratch {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("tpx-errors-" + std::to_string(getpid()));
  Scratch() { std::filesystem::create_directory(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path); }
};

kernel::Kernel recorded() {
  auto kernel = kernel::recorded_kernel(recorded_directory("6.1"), kernel::features_of_release(6, 1));
  REQUIRE(kernel.has_value());
  return *kernel;
}

service::Prepared prepared(const std::string& text) {
  return service::prepare(config::parse("a.yaml", text), recorded());
}

/// `line:column message` of each error, in the order of the file.
std::vector<std::string> errors(const service::Prepared& prepared) {
  std::vector<std::string> lines;
  for (const Error& error : config::by_place(service::all_errors(prepared))) {
    REQUIRE(error.location);
    lines.push_back(std::to_string(error.location->line) + ":" + std::to_string(error.location->column) + " " +
                    error.message);
  }
  return lines;
}

TEST_CASE("a misspelt key does not hide a misspelt field of the same metric") {
  const auto found = errors(prepared(R"(metrics:
  - name: a_total
    tracepoint: sched/sched_switch
    filtre: pid > 1
    labels: {a: args.prev_com, b: args.next_pdi}
)"));
  CHECK(found == std::vector<std::string>{"4:5 a metric has no key \"filtre\"",
                                          "5:17 metric \"a_total\": sched/sched_switch has no field \"prev_com\"",
                                          "5:35 metric \"a_total\": sched/sched_switch has no field \"next_pdi\""});
}

TEST_CASE("every expression of a metric that is wrong is reported") {
  const auto found = errors(prepared(R"(metrics:
  - name: a_total
    tracepoint: sched/sched_switch
    filter: args.nothing == 1
    value: args.prev_comm
    labels:
      one: args.missing
      two: args.prev_pid +
      three: sycall(args.prev_pid)
      four: symbol(args.prev_pid)
)"));
  std::vector<std::string> places;
  std::transform(found.begin(), found.end(), std::back_inserter(places),
                 [](const std::string& line) { return line.substr(0, line.find(' ')); });
  CHECK(places == std::vector<std::string>{"4:13", "5:12", "7:12", "8:27", "9:14", "10:20"});
}

TEST_CASE("the events of a pair report their errors beside those of its labels") {
  const auto found = errors(prepared(R"(metrics:
  - name: a_seconds
    type: histogram
    from: {tracepoint: raw_syscalls/sys_enter, key: tid, filter: args.nothing > 0}
    to: {tracepoint: raw_syscalls/sys_exit, kye: tid, key: tid}
    value: args.ret
    buckets: [1]
    labels: {a: "pid +"}
)"));
  REQUIRE(found.size() == 4);
  CHECK(found[0].starts_with("4:66 metric \"a_seconds\": raw_syscalls/sys_enter has no field"));
  CHECK(found[1] == "5:45 to has no key \"kye\"");
  CHECK(found[2].starts_with("6:5 a pair observes its duration"));
  CHECK(found[3].starts_with("8:"));
}

TEST_CASE("one tracepoint of several reports its errors, the next one only what is new") {
  const auto found = errors(prepared(R"(metrics:
  - name: a_total
    tracepoint: [sched/sched_switch, sched/sched_process_fork]
    labels: {a: args.gone, b: args.prev_pid}
)"));
  CHECK(found ==
        std::vector<std::string>{"4:17 metric \"a_total\": sched/sched_switch has no field \"gone\"",
                                 "4:31 metric \"a_total\": sched/sched_process_fork has no field \"prev_pid\""});
}

TEST_CASE("a file that is no YAML does not hide the errors of another") {
  const Scratch directory;
  const std::string bad = directory.path / "bad.yaml";
  const std::string good = directory.path / "good.yaml";
  std::ofstream(bad) << "metrics: [\n";
  std::ofstream(good) << "metrics: [{name: a_total, tracepoint: sched/sched_switch, labels: {a: args.gone}}]\n";
  const service::Prepared prepared =
      service::prepare(config::load({bad, directory.path / "absent.yaml", good}), recorded());
  const std::string text = config::render(service::all_errors(prepared), prepared.config);
  CHECK(text.find("bad.yaml:") != std::string::npos);
  CHECK(text.find("absent.yaml") != std::string::npos);
  CHECK(text.find("has no field \"gone\"") != std::string::npos);
}

TEST_CASE("the syntax of expressions is checked without a kernel") {
  const config::Loaded loaded = config::parse("a.yaml", R"(metrics:
  - name: a_total
    tracepoint: nowhere/nothing
    filter: pid ==
    labels: {a: sycall(args.id), b: symbol(pid), c: comm}
  - name: b_total
    tracepoint: nowhere/nothing
    colour: red
    value: 1 +
)");
  const Errors found = config::by_place(service::errors_without_kernel(loaded));
  std::vector<std::uint32_t> lines;
  std::transform(found.begin(), found.end(), std::back_inserter(lines),
                 [](const Error& error) { return error.location.value_or(SourceLocation{}).line; });
  CHECK(lines == std::vector<std::uint32_t>{4, 5, 5, 8, 9});
}

TEST_CASE("what a kernel lacks is not a refusal, what is written wrong is, and strict refuses both") {
  const service::Prepared lacks = prepared(R"(metrics:
  - {name: a_total, tracepoint: sched/sched_switch}
  - {name: b_total, tracepoint: sched/sched_switch, labels: {a: symbol(args.prev_pid)}}
  - {name: c_total, tracepoint: nowhere/nothing}
  - {name: d_total, tracepoint: sched/sched_switch, labels: {a: args.gone}}
)");
  CHECK(lacks.plan.metrics.size() == 1);
  CHECK(lacks.rejected.size() == 3);
  CHECK(service::refusal(lacks, false).empty());
  CHECK(service::refusal(lacks, true).size() == 3);

  const service::Prepared wrong = prepared(R"(metrics:
  - {name: a_total, tracepoint: sched/sched_switch, filter: pid ==}
  - {name: b_total, tracepoint: nowhere/nothing}
)");
  CHECK(wrong.written_wrong.size() == 1);
  CHECK(service::refusal(wrong, false).size() == 2);
}

}  // namespace
}  // namespace tpx::test
