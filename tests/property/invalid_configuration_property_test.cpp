// Random invalid configurations give errors with a place, and never crash: valid ones, damaged.
// TPX_RANDOM_RUNS: how many, TPX_RANDOM_SEED: the first.

#include <algorithm>
#include <random>

#include "base/text.h"
#include "catch.h"
#include "codegen/generate.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "support/environment.h"
#include "support/fixtures.h"
#include "support/random_metric.h"

namespace tpx::test {
namespace {

const kernel::Kernel& recorded() {
  static const kernel::Kernel kernel = [] {
    auto made = kernel::recorded_kernel(recorded_directory("6.1"), kernel::features_of_release(6, 1));
    REQUIRE(made.has_value());
    return *made;
  }();
  return kernel;
}

const std::vector<std::string>& events() {
  static const std::vector<std::string> names = recorded().tracefs.events().value_or(std::vector<std::string>{});
  return names;
}

struct Checked {
  config::Loaded loaded;
  Errors errors;
};

/// Everything that `check` does without privilege.
Checked check(const std::string& yaml) {
  Checked checked{config::parse("random.yaml", yaml), {}};
  checked.errors = checked.loaded.errors;
  plan::Options options;
  options.decoders = decode::signatures();
  const plan::Plan plan = plan::make_plan(checked.loaded.config, recorded(), options);
  for (const plan::Rejected& rejected : plan.rejected) {
    checked.errors.push_back(rejected.error);
  }
  for (const plan::ProgramPlan& program : plan.programs) {
    const auto code = codegen::generate(program, plan.metrics, recorded().features);
    if (code && !code->encode([](const std::string&) { return 3; })) {
      checked.errors.push_back(Error{"a program that does not encode"});
    }
  }
  return checked;
}

/// What is wrong with the errors themselves; empty when nothing.
std::string defects(const Checked& checked, const std::string& yaml) {
  const auto lines = static_cast<std::uint32_t>(std::count(yaml.begin(), yaml.end(), '\n') + 1);
  for (const Error& error : checked.errors) {
    if (error.message.empty()) {
      return "an error without a message";
    }
    if (!error.location) {
      return "no place: " + error.message;
    }
    if (error.location->file != "random.yaml" || error.location->line < 1 || error.location->line > lines ||
        error.location->column < 1) {
      return "a wrong place: " + error.message;
    }
  }
  const std::string report = config::render(checked.errors, checked.loaded.config);
  if (report.empty() != checked.errors.empty() || to_utf8(report) != report) {
    return "a report that is empty or no text";
  }
  return {};
}

std::string valid_yaml(std::mt19937_64& random) {
  RandomMetrics metrics(random, 2);
  const auto source = [&] {
    const std::string& name = events()[random() % events().size()];
    const auto slash = name.find('/');
    return source_of(recorded().tracefs.format(name.substr(0, slash), name.substr(slash + 1)).value());
  };
  std::string yaml = "namespace: \"\"\nmetrics:\n" + metrics.count("a", source()).yaml();
  return yaml + (random() % 2 == 0 ? metrics.pair("b", source(), source()) : metrics.count("b", source())).yaml();
}

/// Bytes changed, taken away, doubled or moved.
std::string damaged(std::string yaml, std::mt19937_64& random) {
  static constexpr std::string_view kBytes = "'\"{}[]():,.*&!|<>=+-/%#\\\n\t 0129abcxyz_\x01\xff\xc3";
  for (std::uint64_t times = 1 + random() % 4; times > 0; --times) {
    const std::size_t at = random() % yaml.size();
    const std::size_t length = std::min<std::size_t>(1 + random() % 12, yaml.size() - at);
    switch (random() % 4) {
      case 0:
        yaml[at] = kBytes[random() % kBytes.size()];
        break;
      case 1:
        yaml.erase(at, length);
        break;
      case 2:
        yaml.insert(random() % yaml.size(), yaml.substr(at, length));
        break;
      default:
        yaml.insert(at, 1, kBytes[random() % kBytes.size()]);
    }
    if (yaml.empty()) {
      return "\n";
    }
  }
  return yaml;
}

TEST_CASE("damaged configurations give errors with a place, or are valid", "[property]") {
  const std::uint64_t first = number_from_environment("TPX_RANDOM_SEED", 1);
  const std::uint64_t runs = number_from_environment("TPX_RANDOM_RUNS", 2000);
  std::uint64_t refused = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    std::mt19937_64 random(seed);
    const std::string yaml = damaged(valid_yaml(random), random);
    const Checked checked = check(yaml);
    const std::string wrong = defects(checked, yaml);
    INFO("TPX_RANDOM_SEED=" << seed << "\n" << yaml);
    CHECK(wrong == "");
    refused += checked.errors.empty() ? 0 : 1;
  }
  CHECK(refused > runs / 2);
}

/// One mistake of those that people make: what is replaced by what.
struct Mistake {
  const char* valid;
  const char* wrong;
};

TEST_CASE("one mistake in a valid configuration is one error at its line", "[property]") {
  constexpr std::string_view kValid = R"(namespace: ""
metrics:
  - name: a_total
    help: Something.
    tracepoint: raw_syscalls/sys_exit
    filter: args.ret < 0 && pid > 1
    labels:
      syscall: syscall(args.id)
      comm: str(comm, 7)
    value: args.ret + 1
    max_series: 100
    scale: 0.5
)";
  REQUIRE(check(std::string(kValid)).errors.empty());
  for (const auto& [valid, wrong] : {Mistake{"name: a_total", "name: a"},
                                     Mistake{"help:", "halp:"},
                                     Mistake{"raw_syscalls/", "raw_syscall/"},
                                     Mistake{"sys_exit", "sys_exot"},
                                     Mistake{"args.ret < 0", "args.rat < 0"},
                                     Mistake{"&&", "and"},
                                     Mistake{"pid > 1", "pod > 1"},
                                     Mistake{"pid > 1", "pid > \"1\""},
                                     Mistake{"pid > 1", "pid >"},
                                     Mistake{"syscall(args.id)", "syscal(args.id)"},
                                     Mistake{"syscall(args.id)", "syscall(comm)"},
                                     Mistake{"syscall(args.id)", "syscall(args.id"},
                                     Mistake{"comm: str", "co-mm: str"},
                                     Mistake{"str(comm, 7)", "str(comm, 0)"},
                                     Mistake{"str(comm, 7)", "str(args.id, pid)"},
                                     Mistake{"args.ret + 1", "args.ret + comm"},
                                     Mistake{"args.ret + 1", "args.ret / 0"},
                                     Mistake{"args.ret + 1", "args.ret >> 64"},
                                     Mistake{"args.ret + 1", "from.args.ret"},
                                     Mistake{"args.ret + 1", "args.ret[0]"},
                                     Mistake{"args.ret + 1", "args.ret->x"},
                                     Mistake{"100", "-100"},
                                     Mistake{"100", "many"},
                                     Mistake{"0.5", "0"},
                                     Mistake{"0.5", "half"},
                                     Mistake{"namespace: \"\"", "namespace: 1-2"}}) {
    std::string yaml(kValid);
    const std::size_t at = yaml.find(valid);
    REQUIRE(at != std::string::npos);
    yaml.replace(at, std::string_view(valid).size(), wrong);
    const auto line =
        static_cast<std::uint32_t>(std::count(kValid.begin(), kValid.begin() + static_cast<long>(at), '\n') + 1);
    const Checked checked = check(yaml);
    INFO(yaml << config::render(checked.errors, checked.loaded.config));
    CHECK(defects(checked, yaml) == "");
    REQUIRE(checked.errors.size() == 1);
    CHECK(checked.errors.front().location.value_or(SourceLocation{}).line == line);
  }
}

}  // namespace
}  // namespace tpx::test
