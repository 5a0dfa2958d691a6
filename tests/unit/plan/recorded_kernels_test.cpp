// The shipped configurations and every construct of the language, on the recorded kernels: planned, compiled, and run once on
// a random event of each tracepoint. No root.

#include <algorithm>
#include <filesystem>
#include <random>
#include <regex>
#include <set>

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "service/prepare.h"
#include "support/fixtures.h"
#include "support/interpreted_plan.h"
#include "test_paths.h"

namespace tpx::test {
namespace {

struct Recorded {
  kernel::Kernel kernel;
  std::set<std::string> events;
};

Recorded recorded(const std::string& release) {
  const int minor = release == "5.10" ? 10 : release == "6.1" ? 1 : 12;
  auto kernel = kernel::recorded_kernel(recorded_directory(release),
                                        kernel::features_of_release(release == "5.10" ? 5 : 6, minor));
  REQUIRE(kernel.has_value());
  kernel->possible_cpus = 2;
  const auto events = kernel->tracefs.events();
  REQUIRE(events.has_value());
  return {*kernel, {events->begin(), events->end()}};
}

config::Config load(const std::string& file) {
  config::Loaded loaded = config::load({file});
  INFO(config::render(loaded.errors, loaded.config));
  REQUIRE(loaded.errors.empty());
  for (auto& part : loaded.config.files) {
    part.objects.clear();
    for (config::Metric& metric : part.metrics) {
      // So many maps of full size are not needed here.
      metric.max_series = std::min(metric.max_series, 64U);
    }
  }
  return std::move(loaded.config);
}

std::vector<std::string> shipped() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(TPX_SOURCE_DIR "/config")) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

plan::Plan planned(const config::Config& config, const Recorded& kernel) {
  plan::Options options;
  options.decoders = decode::signatures();
  return plan::make_plan(config, kernel.kernel, options);
}

/// Whether a message says of a tracepoint or of a field that it is not there, and that is so.
bool truly_missing(const std::string& message, const Recorded& recorded) {
  static const std::regex kTracepoint("tracepoint ([a-z0-9_/*]+) not found");
  static const std::regex kField("([a-z0-9_]+)/([a-z0-9_]+) has no field \"([a-z0-9_]+)\"");
  std::smatch match;
  if (std::regex_search(message, match, kTracepoint)) {
    return !recorded.events.contains(match[1]);
  }
  if (std::regex_search(message, match, kField)) {
    const auto format = recorded.kernel.tracefs.format(match[1], match[2]);
    return format.has_value() && format->find(match[3].str()) == nullptr;
  }
  return false;
}

/// Compiles all, encodes all, and runs every program on events of its metrics' tracepoints.
void run_all(plan::Plan plan, const Recorded& recorded) {
  std::set<std::string> tracepoints;
  for (const plan::PlannedMetric& metric : plan.metrics) {
    tracepoints.insert(metric.tracepoints.begin(), metric.tracepoints.end());
  }
  auto compiled = InterpretedPlan::compile(std::move(plan), recorded.kernel);
  INFO((compiled ? "" : compiled.error().message));
  REQUIRE(compiled.has_value());
  for (const assembler::Program& program : (*compiled)->programs()) {
    const auto encoded = program.encode([](const std::string&) { return 3; });
    INFO((encoded ? "" : encoded.error().message));
    REQUIRE(encoded.has_value());
    CHECK(encoded->instructions.size() < 100'000);
  }
  std::mt19937_64 random(7);
  RandomEvents events(random, recorded.kernel);
  std::vector<std::unique_ptr<Event>>
      happened;  // their memory is known to the interpreter: nothing else may come to lie there
  for (const std::string& name : tracepoints) {
    const auto slash = name.find('/');
    if (slash == std::string::npos || (name.starts_with("syscalls/") && random() % 16 != 0)) {
      continue;
    }
    const auto format = recorded.kernel.tracefs.format(name.substr(0, slash), name.substr(slash + 1));
    REQUIRE(format.has_value());
    happened.push_back(events.make(std::make_shared<const kernel::Format>(*format)));
    const auto ran = (*compiled)->happen(*happened.back());
    INFO(name << ": " << (ran ? "" : ran.error().message));
    CHECK(ran.has_value());
  }
}

TEST_CASE("shipped configurations resolve, compile and run on every recorded kernel") {
  REQUIRE_FALSE(shipped().empty());
  for (const std::string_view release : kRecordedReleases) {
    const Recorded kernel = recorded(std::string(release));
    for (const std::string& file : shipped()) {
      INFO(release << ": " << file);
      const config::Config config = load(file);
      plan::Plan plan = planned(config, kernel);
      CHECK_FALSE(plan.metrics.empty());
      for (const plan::Rejected& rejected : plan.rejected) {
        // Nothing is left out but for a tracepoint or a field that this kernel does lack.
        INFO(rejected.error.message << "; " << rejected.error.hint);
        CHECK(rejected.kernel_dependent);
        CHECK(truly_missing(rejected.error.message, kernel));
      }
      run_all(std::move(plan), kernel);
    }
  }
}

TEST_CASE("shipped configurations start on every recorded kernel, with and without BTF") {
  for (const std::string_view release : kRecordedReleases) {
    Recorded recording = recorded(std::string(release));
    for (const bool btf : {true, false}) {
      if (!btf) {
        kernel::Features& features = recording.kernel.features;
        recording.kernel.btf.reset();
        features.tp_btf = features.tp_btf_recursion_guard = features.current_task_btf = false;
      }
      for (const std::string& file : shipped()) {
        INFO(release << (btf ? ": " : " without BTF: ") << file);
        const service::Prepared prepared = service::prepare({load(file), {}}, recording.kernel);
        const Errors refusal = service::refusal(prepared, false);
        INFO(config::render(refusal, prepared.config));
        CHECK(refusal.empty());
        for (const plan::Rejected& rejected : prepared.rejected) {
          INFO(rejected.error.message);
          CHECK((
              truly_missing(rejected.error.message, recording) ||
              (!btf && rejected.error.message.find("needs the kernel's type information (BTF)") != std::string::npos)));
        }
        CHECK_FALSE(prepared.plan.metrics.empty());
      }
    }
  }
}

TEST_CASE("every construct of the language resolves, compiles and runs on every recorded kernel") {
  const config::Config config = load(TPX_SOURCE_DIR "/tests/fixtures/language.yaml");
  for (const std::string_view release : kRecordedReleases) {
    INFO(release);
    const Recorded kernel = recorded(std::string(release));
    plan::Plan plan = planned(config, kernel);
    for (const plan::Rejected& rejected : plan.rejected) {
      FAIL_CHECK(rejected.error.message << "; " << rejected.error.hint);
    }
    CHECK(plan.metrics.size() == config.files.front().metrics.size());
    run_all(std::move(plan), kernel);
  }
}

TEST_CASE("symbol() gives the reason of a dropped packet one name, however the tracepoint is attached") {
  for (const char* release : {"6.1", "6.12-rt"}) {  // 5.10 has no reasons
    INFO(release);
    const Recorded kernel = recorded(release);
    const auto names = [&](const std::string& source, const std::string& label,
                           std::optional<plan::AttachType> attach) {
      const config::Loaded loaded =
          config::parse("a.yaml", "metrics:\n  - {name: a_total, " + source + ", labels: {r: " + label + "}}\n");
      REQUIRE(loaded.errors.empty());
      plan::Options options;
      options.decoders = decode::signatures();
      options.force_attach = attach;
      const plan::Plan plan = plan::make_plan(loaded.config, kernel.kernel, options);
      INFO((plan.rejected.empty() ? "" : plan.rejected.front().error.message));
      REQUIRE(plan.metrics.size() == 1);
      return plan.metrics.front().plan.key.fields.front().decoders.front().field_names->symbols;
    };
    const std::string classic = "tracepoint: skb/kfree_skb";
    const std::string raw = "raw_tracepoint: kfree_skb";
    const auto expected = names(classic, "symbol(args.reason)", plan::AttachType::Classic);
    CHECK(expected.size() > 30);
    CHECK(std::any_of(expected.begin(), expected.end(), [](const auto& entry) { return entry.second == "NO_SOCKET"; }));
    CHECK(names(classic, "symbol(args.reason)", std::nullopt) == expected);
    CHECK(names(raw, "symbol(args.reason)", std::nullopt) == expected);
    CHECK(names("from: {" + raw + ", key: tid}, to: {tracepoint: raw_syscalls/sys_exit, key: tid}",
                "symbol(from.args.reason)", std::nullopt) == expected);
  }
}

TEST_CASE("a listed tracepoint that a kernel lacks is left out with a note, the others count") {
  const Recorded kernel = recorded("6.1");
  const config::Loaded loaded = config::parse(
      "a.yaml",
      "metrics:\n  - {name: a_total, tracepoint: [sched/sched_switch, sched/sched_gone], labels: {p: probe}}\n");
  REQUIRE(loaded.errors.empty());
  const plan::Plan plan = planned(loaded.config, kernel);
  REQUIRE(plan.metrics.size() == 1);
  CHECK(plan.metrics.front().tracepoints == std::vector<std::string>{"sched/sched_switch"});
  REQUIRE(plan.metrics.front().notes.size() == 1);
  CHECK(plan.metrics.front().notes.front() == "left out: tracepoint sched/sched_gone not found");
}

TEST_CASE("a label that is the address of a text has a note, its text and other labels have none") {
  const Recorded kernel = recorded("6.1");
  const auto notes = [&](const std::string& labels) {
    const config::Loaded loaded = config::parse(
        "a.yaml", "metrics:\n  - {name: a_total, tracepoint: syscalls/sys_enter_openat, labels: {" + labels + "}}\n");
    REQUIRE(loaded.errors.empty());
    const plan::Plan plan = planned(loaded.config, kernel);
    REQUIRE(plan.metrics.size() == 1);
    return plan.metrics.front().notes;
  };
  CHECK(notes("file: args.filename") ==
        std::vector<std::string>{R"(label "file" is an address; the text there is str(args.filename))"});
  CHECK(notes("file: str(args.filename), flags: args.flags, comm: comm, hex: hex(args.filename)").empty());
}

}  // namespace
}  // namespace tpx::test
