// Random valid configurations over recorded kernels: generated programs, run by the interpreter on random events, hold
// afterwards what a plain evaluation of the configuration gives. TPX_RANDOM_RUNS: how many, TPX_RANDOM_SEED: the first.

#include <algorithm>
#include <random>

#include "catch.h"
#include "decode/decoder.h"
#include "plan/planner.h"
#include "reader/row_math.h"
#include "support/environment.h"
#include "support/expectation.h"
#include "support/fixtures.h"
#include "support/interpreted_plan.h"

namespace tpx::test {
namespace {

struct Recorded {
  std::string release;
  kernel::Kernel kernel;
  std::vector<std::string> events;
};

const std::vector<Recorded>& recorded_kernels() {
  static const std::vector<Recorded> kernels = [] {
    std::vector<Recorded> made;
    for (const auto& [release, major, minor] :
         {std::tuple("5.10", 5, 10), std::tuple("6.1", 6, 1), std::tuple("6.12-rt", 6, 12)}) {
      auto kernel = kernel::recorded_kernel(recorded_directory(release), kernel::features_of_release(major, minor));
      REQUIRE(kernel.has_value());
      kernel->possible_cpus = 2;
      const auto events = kernel->tracefs.events();
      REQUIRE(events.has_value());
      made.push_back({release, *kernel, *events});
    }
    return made;
  }();
  return kernels;
}

/// Limits that a configuration may meet; everything else that is refused is a defect of the generator or of the product.
bool is_limit(const std::string& message) {
  return message.find("nested too deeply") != std::string::npos ||
         message.find("bytes of its start") != std::string::npos;
}

class Trial {
 public:
  explicit Trial(std::uint64_t seed) : random_(seed), recorded_(recorded_kernels()[seed % 3]) {}

  /// Nothing when all is as expected, or a limit was met.
  std::string run() {
    if (random_() % 2 == 0) {
      options_.force_attach = plan::AttachType::Classic;
    }
    if (random_() % 3 == 0) {
      options_.force_store = schema::StoreKind::PerCpuHash;
    }
    options_.decoders = decode::signatures();
    choose_formats();
    write_metrics();
    const config::Loaded loaded = config::parse("random.yaml", yaml_);
    if (!loaded.errors.empty()) {
      return describe(config::render(loaded.errors, loaded.config));
    }
    plan::Plan plan = plan::make_plan(loaded.config, recorded_.kernel, options_);
    for (const plan::Rejected& rejected : plan.rejected) {
      if (!is_limit(rejected.error.message)) {
        return describe(config::render({rejected.error}, loaded.config));
      }
      return "";
    }
    auto compiled = InterpretedPlan::compile(std::move(plan), recorded_.kernel);
    if (!compiled) {
      return is_limit(compiled.error().message) ? "" : describe(compiled.error().message);
    }
    return compare(**compiled);
  }

  [[nodiscard]] bool reached_the_end() const { return reached_the_end_; }

 private:
  std::shared_ptr<const kernel::Format> format(const std::string& name) const {
    const auto slash = name.find('/');
    return std::make_shared<const kernel::Format>(
        recorded_.kernel.tracefs.format(name.substr(0, slash), name.substr(slash + 1)).value());
  }

  std::string any_event() {
    std::string name;
    do {
      name = recorded_.events[random_() % recorded_.events.size()];
    } while (options_.force_attach != plan::AttachType::Classic && random_() % 8 != 0 &&
             !RandomEvents::knows_arguments(name));
    // Those that have raw arguments are mapped; of the others only the record is known here.
    if (!RandomEvents::knows_arguments(name)) {
      options_.force_attach = plan::AttachType::Classic;
    }
    return name;
  }

  void choose_formats() {
    formats_.push_back(format(any_event()));
    pair_ = random_() % 4 == 0;
    if (pair_) {
      formats_.push_back(random_() % 3 == 0 ? formats_.front() : format(any_event()));
      // A call is an event of both raw_syscalls and syscalls, and here one event is of one tracepoint.
      const auto calls = [&](std::size_t i) { return formats_[i]->category.ends_with("syscalls"); };
      if (calls(0) && calls(1) && formats_[0]->category != formats_[1]->category) {
        formats_[1] = formats_[0];
      }
    }
  }

  void write_metrics() {
    RandomMetrics metrics(random_, 1 + static_cast<int>(random_() % 4));
    yaml_ = "namespace: \"\"\nmetrics:\n";
    for (std::uint64_t i = 0, count = 1 + random_() % 3; i < count; ++i) {
      const std::string name = "m" + std::to_string(i);
      metrics_.push_back(pair_ ? metrics.pair(name, source_of(*formats_.front()), source_of(*formats_.back()))
                               : metrics.count(name, source_of(*formats_.front())));
      yaml_ += metrics_.back().yaml();
    }
  }

  void make_events() {
    RandomEvents maker(random_, recorded_.kernel);
    std::uint64_t now = 1'000'000;
    for (int i = 0; i < 12; ++i) {
      events_.push_back(maker.make(formats_[random_() % formats_.size()]));
      now += random_() % 3 == 0 ? random_() % 100 : random_() % 5'000'000'000;
      events_.back()->nanoseconds = random_() % 8 == 0 ? now - 500 : now;
    }
  }

  std::string compare(InterpretedPlan& compiled) {
    make_events();
    for (const auto& event : events_) {
      if (const auto ran = compiled.happen(*event); !ran) {
        return describe(ran.error().message);
      }
    }
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      const plan::PlannedMetric& planned = compiled.plan().metrics[i];
      const Expectation expected = expect(metrics_[i], events_);
      std::map<std::vector<std::string>, std::vector<std::uint64_t>> found;
      for (const auto& [key, words] : compiled.rows(i)) {
        const std::vector<std::string> labels = labels_of(key, planned.plan.key);
        auto& row = found[labels];
        if (planned.plan.value.kind == schema::MetricKind::Gauge) {
          // What follows a string's NUL makes rows of their own: any of them may be the last that was set.
          const auto last = expected.rows.find(labels);
          row = row.empty() || (last != expected.rows.end() && last->second == words) ? words : row;
          continue;
        }
        row.resize(words.size());
        reader::add_words(row.data(), words.data(), static_cast<std::uint32_t>(words.size()), planned.plan.value.kind);
      }
      std::string wrong = differences(expected.rows, found);
      const auto compare_lost = [&](const char* what, std::uint64_t expected_count, schema::LostReason reason) {
        const std::uint64_t counted = compiled.lost(i, reason);
        if (counted != expected_count) {
          wrong += std::string(what) + ": " + std::to_string(counted) + ", expected " + std::to_string(expected_count) +
                   "\n";
        }
      };
      compare_lost("negative", expected.negative, schema::LostReason::NegativeValue);
      compare_lost("without start", expected.without_start, schema::LostReason::PairNoStart);
      compare_lost("restarted", expected.restarted, schema::LostReason::PairRestart);
      compare_lost("collisions", 0, schema::LostReason::PairCollision);
      compare_lost("other", 0, schema::LostReason::OtherFull);
      if (!wrong.empty()) {
        return describe(metrics_[i].name + ":\n" + wrong + compiled.programs().front().disassemble());
      }
    }
    reached_the_end_ = true;
    return "";
  }

  using Rows = std::map<std::vector<std::string>, std::vector<std::uint64_t>>;
  static std::string differences(const Rows& expected, const Rows& found) {
    const auto text = [](const Rows::value_type& row) {
      std::string line = "{";
      for (const std::string& label : row.first) {
        line += "\"" + label + "\" ";
      }
      line += "}";
      for (const std::uint64_t word : row.second) {
        line += " " + std::to_string(word);
      }
      return line + "\n";
    };
    std::string result;
    for (const auto& row : expected) {
      const auto same = found.find(row.first);
      result += same == found.end() || same->second != row.second ? "expected " + text(row) : "";
    }
    for (const auto& row : found) {
      const auto same = expected.find(row.first);
      result += same == expected.end() || same->second != row.second ? "found    " + text(row) : "";
    }
    return result;
  }

  [[nodiscard]] std::string describe(const std::string& wrong) const {
    return recorded_.release + (options_.force_attach ? ", classic" : "") +
           (options_.force_store ? ", per-CPU hash" : "") + "\n" + yaml_ + wrong;
  }

  std::mt19937_64 random_;
  const Recorded& recorded_;
  plan::Options options_;
  bool pair_ = false;
  bool reached_the_end_ = false;
  std::vector<std::shared_ptr<const kernel::Format>> formats_;
  std::vector<RandomMetric> metrics_;
  std::vector<std::unique_ptr<Event>> events_;
  std::string yaml_;
};

TEST_CASE("random configurations count random events as they say", "[property]") {
  const std::uint64_t first = number_from_environment("TPX_RANDOM_SEED", 1);
  const std::uint64_t runs = number_from_environment("TPX_RANDOM_RUNS", 2000);
  std::uint64_t counted = 0;
  std::uint64_t wrong = 0;
  for (std::uint64_t seed = first; seed < first + runs && wrong < 3; ++seed) {
    Trial trial(seed);
    const std::string problem = trial.run();
    INFO("TPX_RANDOM_SEED=" << seed << "\n" << problem);
    CHECK(problem.empty());
    wrong += problem.empty() ? 0 : 1;
    counted += trial.reached_the_end() ? 1 : 0;
  }
  // Most of them met no limit.
  CHECK((wrong > 0 || counted >= runs * 9 / 10));
  WARN(counted << " of " << runs << " random configurations counted");
}

}  // namespace
}  // namespace tpx::test
