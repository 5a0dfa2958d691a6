#include "loader/loader.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>

#include "base/parallel.h"
#include "codegen/generate.h"
#include "loader/object_name.h"

namespace tpx::loader {

namespace {

constexpr std::size_t kDetachThreads = 32;  // they sleep

Result<UniqueFd> create_hash(const plan::MetricPlan& plan) {
  const auto type = plan.store.region.value_cpus > 1 ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
  UniqueFd map(bpf_map_create(type, object_name(plan.name).c_str(), plan.key.size, plan.value.bytes(),
                              plan.store.max_series, nullptr));
  if (!map.valid()) {
    return fail(os_failure("can't create a hash of " + std::to_string(plan.store.max_series) + " entries", errno,
                           "lower max_series"));
  }
  return map;
}

class Session {
 public:
  Session(plan::Plan plan, const kernel::Features& features) : plan_(std::move(plan)), features_(features) {
    down_.resize(plan_.metrics.size());
  }

  Loaded run(Attach attach) {
    create_all_maps();
    std::vector<ServingProgram> programs;
    std::vector<Result<ServingProgram>> compiled = compile_all();
    for (std::size_t i = 0; i < compiled.size(); ++i) {
      take_program(plan_.programs[i], std::move(compiled[i]), programs);
    }
    watch_exits(attach);
    // A metric that one program could not serve is not served at all: half a count is a wrong one.
    for (const plan::ProgramPlan& program : plan_.programs) {
      reload_without_down(program, programs);
    }
    if (attach == Attach::Yes) {
      attach_all(programs);
    }
    return collect(std::move(programs));
  }

 private:
  void reject(std::size_t metric, Error error, bool refused = false) {
    if (down_[metric]) {
      return;
    }
    down_[metric] = true;
    const plan::MetricPlan& plan = plan_.metrics[metric].plan;
    if (refused) {
      loaded_.refused_loads.push_back(plan.name);
    }
    loaded_.rejected.push_back(
        {plan.name, std::move(error).with_context("metric \"" + plan.name + "\": "), true, plan.at});
  }

  void create_all_maps() {
    for (std::size_t i = 0; i < plan_.metrics.size(); ++i) {
      auto metric = create_maps(plan_.metrics[i]);
      maps_.emplace_back();
      if (metric) {
        maps_.back() = std::move(*metric);
      } else {
        reject(i, std::move(metric.error()));
      }
    }
  }

  plan::ProgramPlan only(const plan::ProgramPlan& program, const std::function<bool(std::size_t)>& keep) const {
    plan::ProgramPlan result = program;
    std::erase_if(result.units, [&](const plan::Unit& unit) { return down_[unit.metric] || !keep(unit.metric); });
    return result;
  }

  Result<ServingProgram> compile(const plan::ProgramPlan& program) const {
    auto code = codegen::generate(program, plan_.metrics, features_);
    if (!code) {
      return fail(std::move(code.error()));
    }
    auto loaded = LoadedProgram::load(program.point, program.name, *code,
                                      [&](const std::string& name) { return map_descriptor(maps_, name); });
    if (!loaded) {
      return fail(std::move(loaded.error()));
    }
    ServingProgram serving{program.point, program.name, code->instructions().size(), {}, std::move(*loaded)};
    for (const plan::Unit& unit : program.units) {
      if (std::find(serving.metrics.begin(), serving.metrics.end(), unit.metric) == serving.metrics.end()) {
        serving.metrics.push_back(unit.metric);
      }
    }
    return serving;
  }

  /// All programs with the metrics that are not down yet. Nearly all the time to start goes into the kernel's verifier.
  std::vector<Result<ServingProgram>> compile_all() const {
    std::vector<Result<ServingProgram>> compiled;
    for (std::size_t i = 0; i < plan_.programs.size(); ++i) {
      compiled.emplace_back(fail("not compiled"));
    }
    for_each_index(compiled.size(), std::thread::hardware_concurrency(), [&](std::size_t index) {
      const plan::ProgramPlan program = only(plan_.programs[index], [](std::size_t) { return true; });
      if (!program.units.empty()) {
        compiled[index] = compile(program);
      }
    });
    return compiled;
  }

  void load_program(const plan::ProgramPlan& whole, std::vector<ServingProgram>& programs) {
    take_program(whole, compile(only(whole, [](std::size_t) { return true; })), programs);
  }

  /// Takes a program loaded with all its metrics; when that failed, finds out which of them is to blame.
  void take_program(const plan::ProgramPlan& whole, Result<ServingProgram> serving,
                    std::vector<ServingProgram>& programs) {
    plan::ProgramPlan program = only(whole, [](std::size_t) { return true; });
    if (program.units.empty()) {
      return;
    }
    if (!serving) {
      blame(program, serving.error());
      program = only(whole, [](std::size_t) { return true; });
      if (program.units.empty()) {
        return;
      }
      serving = compile(program);
    }
    if (!serving) {
      for (const plan::Unit& unit : program.units) {
        reject(unit.metric, serving.error());
      }
      return;
    }
    programs.push_back(std::move(*serving));
  }

  void blame(const plan::ProgramPlan& program, const Error& error) {
    std::set<std::size_t> metrics;
    for (const plan::Unit& unit : program.units) {
      metrics.insert(unit.metric);
    }
    const bool refused = error.message.starts_with(kRefused);
    if (metrics.size() == 1 || !refused) {
      for (const std::size_t metric : metrics) {
        reject(metric, error, refused);
      }
      return;
    }
    for (const std::size_t metric : metrics) {
      auto alone = compile(only(program, [&](std::size_t other) { return other == metric; }));
      if (!alone) {
        reject(metric, std::move(alone.error()), true);
      }
    }
  }

  /// A program loaded early may serve a metric that a later program took down.
  void reload_without_down(const plan::ProgramPlan& whole, std::vector<ServingProgram>& programs) {
    const auto found = std::find_if(programs.begin(), programs.end(),
                                    [&](const ServingProgram& program) { return program.point == whole.point; });
    if (found == programs.end() ||
        std::none_of(found->metrics.begin(), found->metrics.end(), [&](std::size_t m) { return bool{down_[m]}; })) {
      return;
    }
    programs.erase(found);
    load_program(whole, programs);
  }

  /// Before anything counts, so that no end is missed.
  void watch_exits(Attach attach) {
    if (!plan_.exits) {
      return;
    }
    auto watch = ExitWatch::start(*plan_.exits, features_, attach);
    if (watch) {
      loaded_.exits = std::move(*watch);
      return;
    }
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      if (!down_[i] && plan_.metrics[i].plan.retire_field) {
        reject(i, Error(watch.error()).with_context("can't learn which processes end: "));
      }
    }
  }

  void attach_all(std::vector<ServingProgram>& programs) {
    for (ServingProgram& program : programs) {
      const auto attached = program.program.attach(program.point);
      if (!attached) {
        for (const std::size_t metric : program.metrics) {
          reject(metric, attached.error());
        }
      }
    }
    std::erase_if(programs, [&](const ServingProgram& program) {
      return std::all_of(program.metrics.begin(), program.metrics.end(), [&](std::size_t m) { return bool{down_[m]}; });
    });
  }

  Loaded collect(std::vector<ServingProgram> programs) {
    std::vector<std::size_t> position(maps_.size());
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      if (!down_[i]) {
        position[i] = loaded_.metrics.size();
        loaded_.metrics.push_back(std::move(maps_[i]));
      }
    }
    for (ServingProgram& program : programs) {
      std::erase_if(program.metrics, [&](std::size_t metric) { return bool{down_[metric]}; });
      for (std::size_t& metric : program.metrics) {
        metric = position[metric];
        loaded_.metrics[metric].programs.push_back(loaded_.programs.size());
      }
      loaded_.programs.push_back(std::move(program));
    }
    return std::move(loaded_);
  }

  plan::Plan plan_;
  const kernel::Features& features_;
  std::vector<LoadedMetric> maps_;
  std::vector<bool> down_;
  Loaded loaded_;
};

}  // namespace

Result<LoadedMetric> create_maps(const plan::PlannedMetric& planned) {
  LoadedMetric metric{planned, {}, {}, {}, {}};
  const plan::MetricPlan& plan = planned.plan;
  const plan::RegionLayout& layout = plan.store.region;
  // Only who ends series looks into the index and the links.
  const bool keeps_ids = plan.store.kind == plan::StoreKind::Table && !plan.retire_field;
  auto region = keeps_ids ? Region::create(plan.name, layout.total_bytes(),
                                           {layout.index_offset(), layout.places_offset() - layout.index_offset()})
                          : Region::create(plan.name, layout.total_bytes());
  if (!region) {
    return fail(std::move(region.error()));
  }
  metric.region = std::move(*region);
  if (plan.store.kind == plan::StoreKind::PerCpuHash) {
    auto hash = create_hash(plan);
    if (!hash) {
      return fail(std::move(hash.error()));
    }
    metric.hash = std::move(*hash);
  }
  if (planned.pair) {
    auto pair = Region::create(plan.name, planned.pair->total_bytes());
    if (!pair) {
      return fail(std::move(pair.error()));
    }
    metric.pair = std::move(*pair);
  }
  return metric;
}

int map_descriptor(const std::vector<LoadedMetric>& metrics, const std::string& name) {
  for (const LoadedMetric& metric : metrics) {
    const plan::MetricPlan& plan = metric.planned.plan;
    if (name == plan.region_map) {
      return metric.region.descriptor();
    }
    if (name == plan.hash_map) {
      return metric.hash.get();
    }
    if (name == plan.pair_map) {
      return metric.pair.descriptor();
    }
  }
  return -1;
}

Loaded& Loaded::operator=(Loaded&& other) noexcept {
  if (this != &other) {
    detach();
    programs = std::move(other.programs);  // before the maps that they write to
    metrics = std::move(other.metrics);
    objects = std::move(other.objects);
    rejected = std::move(other.rejected);
    exits = std::move(other.exits);
    refused_loads = std::move(other.refused_loads);
  }
  return *this;
}

void Loaded::detach() noexcept {
  for_each_index(programs.size(), kDetachThreads, [this](std::size_t index) { programs[index].program.detach(); });
}

Loaded load(plan::Plan plan, const kernel::Features& features, Attach attach) {
  return Session(std::move(plan), features).run(attach);
}

}  // namespace tpx::loader
