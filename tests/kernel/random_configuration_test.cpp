// Random valid configurations over the running kernel's tracepoints: what the checker takes, the verifier takes.
// TPX_RANDOM_CONFIGURATIONS: how many (10,000 in a long run), TPX_RANDOM_SEED: the first.

#include <algorithm>
#include <random>

#include "catch.h"
#include "codegen/generate.h"
#include "decode/decoder.h"
#include "kernel/support/session.h"
#include "support/environment.h"
#include "support/random_chain.h"
#include "support/random_metric.h"

namespace tpx::test {
namespace {

struct Machine {
  std::vector<std::string> events;
  std::vector<std::string> raw;
};

const Machine& machine() {
  static const Machine made = [] {
    Machine machine;
    const auto events = this_kernel().tracefs.events();
    REQUIRE(events.has_value());
    machine.events = *events;
    if (this_kernel().btf) {
      machine.raw = this_kernel().btf->tracepoints();
    }
    return machine;
  }();
  return made;
}

/// Limits that are documented, with a message that says so; everything else that is refused is a defect.
bool is_limit(const std::string& message) {
  return message.find("nested too deeply") != std::string::npos ||
         message.find("bytes of its start") != std::string::npos;
}

class Trial {
 public:
  explicit Trial(std::uint64_t seed) : random_(seed) { options_.decoders = decode::signatures(); }

  /// Empty when the kernel takes it, or a limit was met.
  std::string run() {
    write();
    const config::Loaded loaded = config::parse("random.yaml", yaml_);
    if (!loaded.errors.empty()) {
      return describe(config::render(loaded.errors, loaded.config));
    }
    // As the exporter does: a refusal of plain loads along pointers is answered by reads that may fault.
    std::string refused = verify(loaded.config);
    if (!refused.empty() && !options_.probe_reads.empty()) {
      refused = verify(loaded.config);
    }
    return refused.empty() ? "" : describe(refused);
  }

  [[nodiscard]] std::size_t programs() const { return programs_; }

 private:
  std::string verify(const config::Config& config) {
    const plan::Plan plan = plan::make_plan(config, this_kernel(), options_);
    for (const plan::Rejected& rejected : plan.rejected) {
      return is_limit(rejected.error.message) ? "" : config::render({rejected.error}, config);
    }
    std::vector<loader::LoadedMetric> maps;
    for (const plan::PlannedMetric& metric : plan.metrics) {
      auto made = loader::create_maps(metric);
      if (!made) {
        return made.error().message;
      }
      maps.push_back(std::move(*made));
    }
    for (const plan::ProgramPlan& program : plan.programs) {
      const auto code = codegen::generate(program, plan.metrics, this_kernel().features);
      if (!code) {
        return is_limit(code.error().message) ? "" : code.error().message;
      }
      const auto verdict = loader::verify(program.point, *code,
                                          [&](const std::string& name) { return loader::map_descriptor(maps, name); });
      if (!verdict) {
        return program.point.text() + ": " + verdict.error().message;
      }
      if (!verdict->taken) {
        for (const plan::Unit& unit : program.units) {
          options_.probe_reads.insert(plan.metrics[unit.metric].plan.name);
        }
        const std::size_t tail = 1500;
        return program.point.text() + ":\n" +
               verdict->log.substr(verdict->log.size() > tail ? verdict->log.size() - tail : 0);
      }
      ++programs_;
    }
    return "";
  }

  template <class T>
  const T& any(const std::vector<T>& among) {
    return among[random_() % among.size()];
  }

  RandomSource source(const std::string& name) {
    const auto slash = name.find('/');
    const auto format = this_kernel().tracefs.format(name.substr(0, slash), name.substr(slash + 1));
    return format ? source_of(*format) : RandomSource{{name}, false, {}};
  }

  RandomSource raw_source() {
    RandomSource chosen;
    chosen.raw = true;
    chosen.tracepoints = {any(machine().raw)};
    chosen.leaves = random_chains(random_, *this_kernel().btf, chosen.tracepoints.front(), 8);
    return chosen;
  }

  /// Several tracepoints of one category, with what all of them know.
  RandomSource several() {
    const std::size_t first = random_() % machine().events.size();
    RandomSource chosen = source(machine().events[first]);
    const std::string category = machine().events[first].substr(0, machine().events[first].find('/') + 1);
    for (std::size_t i = first + 1; i < machine().events.size() && i < first + 4; ++i) {
      if (!machine().events[i].starts_with(category)) {
        break;
      }
      const RandomSource other = source(machine().events[i]);
      chosen.tracepoints.push_back(machine().events[i]);
      std::erase_if(chosen.leaves, [&](Leaf& leaf) {
        const auto same = std::find_if(other.leaves.begin(), other.leaves.end(), [&](const Leaf& candidate) {
          return candidate.text == leaf.text && candidate.kind == leaf.kind;
        });
        if (same == other.leaves.end() || (leaf.kind == schema::ValueType::Kind::Bytes && same->size != leaf.size)) {
          return true;
        }
        leaf.size = std::max(leaf.size, same->size);
        leaf.is_pointer = leaf.is_pointer && same->is_pointer;
        return false;
      });
    }
    return chosen;
  }

  void write() {
    if (random_() % 4 == 0) {
      options_.force_store = random_() % 2 == 0 ? schema::StoreKind::Table : schema::StoreKind::PerCpuHash;
    }
    RandomMetrics metrics(random_, 1 + static_cast<int>(random_() % 4));
    yaml_ = "namespace: \"\"\nmetrics:\n";
    const std::uint64_t kind = random_() % 10;
    if (kind < 2 && !machine().raw.empty()) {
      yaml_ += random_() % 3 == 0 ? metrics.pair("m", raw_source(), raw_source()).yaml()
                                  : metrics.count("m", raw_source()).yaml();
    } else if (kind < 4) {
      yaml_ += metrics.count("m", several()).yaml();
    } else if (kind < 6) {
      yaml_ += metrics.pair("m", source(any(machine().events)), source(any(machine().events))).yaml();
    } else {
      const RandomSource chosen = source(any(machine().events));
      for (const char* name : {"m", "n"}) {
        yaml_ += metrics.count(name, chosen).yaml();
      }
      if (random_() % 4 == 0) {
        options_.force_attach = plan::AttachType::Classic;
      }
    }
  }

  [[nodiscard]] std::string describe(const std::string& wrong) const { return yaml_ + wrong; }

  std::mt19937_64 random_;
  plan::Options options_;
  std::size_t programs_ = 0;
  std::string yaml_;
};

TEST_CASE("the verifier takes random valid configurations", "[kernel]") {
  const std::uint64_t first = number_from_environment("TPX_RANDOM_SEED", 1);
  const std::uint64_t count = number_from_environment("TPX_RANDOM_CONFIGURATIONS", 300);
  std::size_t programs = 0;
  int wrong = 0;
  for (std::uint64_t seed = first; seed < first + count && wrong < 5; ++seed) {
    Trial trial(seed);
    const std::string problem = trial.run();
    INFO("TPX_RANDOM_SEED=" << seed << "\n" << problem);
    CHECK(problem.empty());
    wrong += problem.empty() ? 0 : 1;
    programs += trial.programs();
  }
  WARN(count << " random configurations, " << programs << " programs taken");
  CHECK((wrong > 0 || programs >= count));
}

}  // namespace
}  // namespace tpx::test
