#include "service/deploy.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include "base/parallel.h"
#include "base/shortage.h"
#include "codegen/generate.h"
#include "service/configuration.h"
#include "service/identity.h"

namespace tpx::service {

namespace {

/// Loads a plan: compiles its programs, finds the metrics that the kernel refuses, attaches the rest.
class Deployer {
 public:
  Deployer(plan::Plan plan, const kernel::Features& features, const Continuity& continuity)
      : plan_(std::move(plan)), features_(features), continuity_(continuity), identities_(identities(plan_)) {
    down_.resize(plan_.metrics.size());
    kept_.resize(plan_.metrics.size());
  }

  loader::Loaded run(loader::Attach attach) {
    find_kept();
    create_all_maps();
    std::vector<loader::ServingProgram> programs;
    std::vector<Result<loader::ServingProgram>> compiled = compile_all();
    for (std::size_t i = 0; i < compiled.size(); ++i) {
      take_program(plan_.programs[i], std::move(compiled[i]), programs);
    }
    watch_exits(attach);
    // A metric that one program could not serve is not served at all: half a count is a wrong one.
    for (const plan::ProgramPlan& program : plan_.programs) {
      reload_without_down(program, programs);
    }
    if (attach == loader::Attach::Yes) {
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
    if (is_shortage(error) && !loaded_.shortage) {
      loaded_.shortage = error;
    }
    const schema::MetricSchema& plan = plan_.metrics[metric].plan;
    if (refused) {
      loaded_.refused_loads.push_back(plan.name);
    }
    loaded_.rejected.push_back(
        {plan.name, std::move(error).with_context("metric \"" + plan.name + "\": "), true, plan.at});
  }

  [[nodiscard]] const loader::ServingProgram* before(const plan::AttachPoint& point) const {
    return continuity_.previous == nullptr ? nullptr : loader::program_at(*continuity_.previous, point);
  }

  /// The metrics that go on counting in the maps that they have: those whose identity is the same, and whose programs
  /// either can be replaced while they count or need not be.
  void find_kept() {
    if (continuity_.previous == nullptr) {
      return;
    }
    for (const loader::LoadedMetric& metric : continuity_.previous->metrics) {
      const auto same = std::find(identities_.begin(), identities_.end(), metric.identity);
      if (same != identities_.end()) {
        kept_[static_cast<std::size_t>(same - identities_.begin())] = &metric;
      }
    }
    while (std::any_of(plan_.programs.begin(), plan_.programs.end(),
                       [this](const plan::ProgramPlan& program) { return drop_kept(program); })) {
    }
  }

  /// Whether a metric of the program is not kept any more, as the program can't be replaced.
  bool drop_kept(const plan::ProgramPlan& program) {
    const loader::ServingProgram* running = before(program.point);
    if (running != nullptr && (running->slot != nullptr || unchanged(program, *running))) {
      return false;
    }
    bool dropped = false;
    for (const plan::Unit& unit : program.units) {
      dropped = std::exchange(kept_[unit.metric], nullptr) != nullptr || dropped;
    }
    return dropped;
  }

  [[nodiscard]] bool all_kept(const plan::ProgramPlan& program) const {
    return std::all_of(program.units.begin(), program.units.end(),
                       [this](const plan::Unit& unit) { return kept_[unit.metric] != nullptr; });
  }

  [[nodiscard]] bool unchanged(const plan::ProgramPlan& program, const loader::ServingProgram& running) const {
    if (!all_kept(program)) {
      return false;
    }
    const auto code = codegen::generate(program, plan_.metrics, features_);
    return code && code_of(*code) == running.code;
  }

  /// The instructions with the names of the maps: what two equal programs have in common, whatever their descriptors are.
  [[nodiscard]] static std::string code_of(const assembler::Program& program) {
    std::string names;
    int number = 0;
    const auto encoded = program.encode([&](const std::string& name) {
      names += name + "\n";
      return number++;
    });
    if (!encoded) {
      return {};
    }
    const auto bytes = std::as_bytes(std::span(encoded->instructions));
    return names + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  void create_all_maps() {
    for (std::size_t i = 0; i < plan_.metrics.size(); ++i) {
      auto metric =
          kept_[i] != nullptr ? loader::share_maps(plan_.metrics[i], *kept_[i]) : loader::create_maps(plan_.metrics[i]);
      maps_.emplace_back();
      if (metric) {
        maps_.back() = std::move(*metric);
        maps_.back().identity = identities_[i];
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

  Result<loader::ServingProgram> compile(const plan::ProgramPlan& program) const {
    auto code = codegen::generate(program, plan_.metrics, features_);
    if (!code) {
      return fail(std::move(code.error()));
    }
    const loader::ServingProgram* running = before(program.point);
    std::string key = code_of(*code);
    const bool same = running != nullptr && all_kept(program) && !key.empty() && key == running->code;
    auto loaded = same ? running->program.share()
                       : loader::LoadedProgram::load(program.point, program.name, *code, [&](const std::string& name) {
                           return loader::map_descriptor(maps_, name);
                         });
    if (!loaded) {
      return fail(std::move(loaded.error()));
    }
    loader::ServingProgram serving{program.point,      program.name,   code->instructions().size(),   {},
                                   std::move(*loaded), std::move(key), same ? running->slot : nullptr};
    serving.shared = same;
    for (const plan::Unit& unit : program.units) {
      if (std::find(serving.metrics.begin(), serving.metrics.end(), unit.metric) == serving.metrics.end()) {
        serving.metrics.push_back(unit.metric);
      }
    }
    return serving;
  }

  /// All programs with the metrics that are not down yet. Nearly all the time to start goes into the kernel's verifier.
  std::vector<Result<loader::ServingProgram>> compile_all() const {
    std::vector<Result<loader::ServingProgram>> compiled;
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

  void load_program(const plan::ProgramPlan& whole, std::vector<loader::ServingProgram>& programs) {
    take_program(whole, compile(only(whole, [](std::size_t) { return true; })), programs);
  }

  /// Takes a program loaded with all its metrics; when that failed, finds out which of them is to blame.
  void take_program(const plan::ProgramPlan& whole, Result<loader::ServingProgram> serving,
                    std::vector<loader::ServingProgram>& programs) {
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
    const bool refused = error.by_verifier;
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
  void reload_without_down(const plan::ProgramPlan& whole, std::vector<loader::ServingProgram>& programs) {
    const auto found = std::find_if(programs.begin(), programs.end(), [&](const loader::ServingProgram& program) {
      return program.point == whole.point;
    });
    if (found == programs.end() ||
        std::none_of(found->metrics.begin(), found->metrics.end(), [&](std::size_t m) { return bool{down_[m]}; })) {
      return;
    }
    programs.erase(found);
    load_program(whole, programs);
  }

  /// Before anything counts, so that no end is missed.
  void watch_exits(loader::Attach attach) {
    if (!plan_.exits) {
      return;
    }
    const loader::Loaded* previous = continuity_.previous;
    if (previous != nullptr && previous->exits && previous->exits->follows(*plan_.exits)) {
      loaded_.exits = previous->exits;
      return;
    }
    auto watch = loader::ExitWatch::start(*plan_.exits, features_, attach);
    if (watch) {
      loaded_.exits = std::make_shared<loader::ExitWatch>(std::move(*watch));
      return;
    }
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      if (!down_[i] && plan_.metrics[i].plan.retire_field) {
        reject(i, Error(watch.error()).with_context("can't learn which processes end: "));
      }
    }
  }

  void attach_all(std::vector<loader::ServingProgram>& programs) {
    for (loader::ServingProgram& program : programs) {
      const auto attached = program.shared ? Result<void>() : attach(program);
      if (!attached) {
        for (const std::size_t metric : program.metrics) {
          reject(metric, attached.error());
        }
      }
    }
    std::erase_if(programs, [&](const loader::ServingProgram& program) {
      return std::all_of(program.metrics.begin(), program.metrics.end(), [&](std::size_t m) { return bool{down_[m]}; });
    });
  }

  /// Through the slot of the program that runs there, which replace_programs() gives to this one; or through a new slot; or
  /// directly, where the kernel can't.
  Result<void> attach(loader::ServingProgram& program) const {
    const loader::ServingProgram* running = before(program.point);
    if (running != nullptr && running->slot != nullptr) {
      program.slot = running->slot;
      program.replaces = true;
      return program.slot->try_out(program.program.descriptor());
    }
    if (continuity_.replaceable) {
      auto slot = loader::AttachSlot::make(program.point);
      auto put = slot ? (*slot)->put(program.program.descriptor()) : Result<void>();
      if (slot && put) {
        program.slot = std::move(*slot);
        return program.slot->attach();
      }
      Error error = slot ? std::move(put.error()) : std::move(slot.error());
      if (is_shortage(error)) {
        return fail(std::move(error));
      }
    }
    return program.program.attach(program.point);
  }

  /// For each program of the metric: the misses that the slot counted for others before.
  void note_misses(loader::LoadedMetric& metric, const loader::LoadedMetric* kept) const {
    for (const std::size_t index : metric.programs) {
      const loader::ServingProgram& program = loaded_.programs[index];
      std::uint64_t before = 0;
      if (kept == nullptr) {
        const auto statistics = program.slot ? program.slot->statistics() : Result<loader::LoadedProgram::Statistics>();
        before = statistics ? statistics->recursion_misses : 0;
      }
      for (std::size_t i = 0; kept != nullptr && i < kept->programs.size(); ++i) {
        if (continuity_.previous->programs[kept->programs[i]].point == program.point) {
          before = kept->misses_before[i];
        }
      }
      metric.misses_before.push_back(before);
    }
  }

  loader::Loaded collect(std::vector<loader::ServingProgram> programs) {
    std::vector<std::size_t> position(maps_.size());
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      if (!down_[i]) {
        position[i] = loaded_.metrics.size();
        loaded_.metrics.push_back(std::move(maps_[i]));
      }
    }
    for (loader::ServingProgram& program : programs) {
      std::erase_if(program.metrics, [&](std::size_t metric) { return bool{down_[metric]}; });
      for (std::size_t& metric : program.metrics) {
        metric = position[metric];
        loaded_.metrics[metric].programs.push_back(loaded_.programs.size());
      }
      loaded_.programs.push_back(std::move(program));
    }
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      if (!down_[i]) {
        note_misses(loaded_.metrics[position[i]], kept_[i]);
      }
    }
    return std::move(loaded_);
  }

  plan::Plan plan_;
  const kernel::Features& features_;
  Continuity continuity_;
  std::vector<std::string> identities_;
  std::vector<const loader::LoadedMetric*> kept_;  ///< for each metric the one that it continues; null: it begins anew
  std::vector<loader::LoadedMetric> maps_;
  std::vector<bool> down_;
  loader::Loaded loaded_;
};

void deploy_objects(std::vector<OpenedObject> objects, loader::Loaded& loaded, loader::Attach attach) {
  for (OpenedObject& object : objects) {
    std::vector<plan::Rejected> lost;
    for (const plan::ObjectMetricPlan& metric : object.metrics) {
      lost.push_back({metric.planned.plan.name, {}, true, object.file.at()});
    }
    auto running = loader::load_object(std::move(object.file), std::move(object.metrics), loaded.rejected, attach);
    if (running) {
      loaded.objects.push_back(std::move(*running));
      continue;
    }
    for (plan::Rejected& metric : lost) {
      metric.error = running.error();
      loaded.rejected.push_back(std::move(metric));
    }
  }
}

void append(Errors& errors, const std::vector<plan::Rejected>& rejected) {
  for (const plan::Rejected& metric : rejected) {
    errors.push_back(Error(metric.error).at(metric.at));
  }
}

}  // namespace

loader::Loaded deploy(plan::Plan plan, const kernel::Features& features, loader::Attach attach,
                      const Continuity& continuity) {
  return Deployer(std::move(plan), features, continuity).run(attach);
}

Deployment deploy(Prepared prepared, const kernel::Kernel& kernel, loader::Attach attach,
                  const Continuity& continuity) {
  Deployment deployment;
  deployment.loaded = deploy(std::move(prepared.plan), kernel.features, attach, continuity);
  if (!deployment.loaded.refused_loads.empty()) {
    deployment.probe_reads.insert(deployment.loaded.refused_loads.begin(), deployment.loaded.refused_loads.end());
    deployment.loaded = {};
    plan::Options options = planner_options();
    options.probe_reads = deployment.probe_reads;
    deployment.loaded = deploy(plan::make_plan(prepared.config, kernel, options), kernel.features, attach, continuity);
  }
  deployment.rejected = std::move(prepared.rejected);
  deploy_objects(std::move(prepared.objects.objects), deployment.loaded, attach);
  return deployment;
}

Errors refused_by_kernel(const Deployment& deployment) {
  Errors errors;
  append(errors, deployment.loaded.rejected);
  for (const loader::LoadedObject& object : deployment.loaded.objects) {
    for (const loader::ObjectProgram& program : object.programs) {
      const bool known = !program.refused || std::any_of(errors.begin(), errors.end(), [&](const Error& error) {
        return error.message == program.refused->message;
      });
      if (!known) {
        errors.push_back(*program.refused);
      }
    }
  }
  return errors;
}

}  // namespace tpx::service
