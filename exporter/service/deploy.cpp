#include "service/deploy.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <iterator>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include "base/parallel.h"
#include "base/shortage.h"
#include "codegen/generate.h"
#include "plan/program_parts.h"
#include "service/configuration.h"
#include "service/identity.h"
#include "service/successions.h"

namespace tpx::service {

namespace {

/// Loads a plan: compiles its programs, finds the metrics that the kernel refuses, attaches the rest.
class Deployer {
 public:
  /// The metrics in `anew` are not kept, whatever their identities are.
  Deployer(plan::Plan plan, const kernel::Features& features, const Continuity& continuity, std::set<std::size_t> anew)
      : plan_(std::move(plan)),
        features_(features),
        continuity_(continuity),
        identities_(identities(plan_)),
        anew_(std::move(anew)) {
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
    while (reload_without_down(programs)) {
    }
    if (attach == loader::Attach::Yes) {
      attach_all(programs);
    }
    return collect(std::move(programs));
  }

  /// Those of the constructor, and what the kernel does not let go on. If there are more, the result of run() is of no use.
  [[nodiscard]] const std::set<std::size_t>& anew() const { return anew_; }

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

  /// The metrics that go on counting in the maps that they have: those whose identity is the same, and whose programs
  /// either can be replaced while they count or need not be.
  void find_kept() {
    if (continuity_.previous == nullptr) {
      return;
    }
    for (const loader::LoadedMetric& metric : continuity_.previous->metrics) {
      const auto same = std::find(identities_.begin(), identities_.end(), metric.identity);
      const auto index = static_cast<std::size_t>(same - identities_.begin());
      if (same != identities_.end() && !anew_.contains(index)) {
        kept_[index] = &metric;
      }
    }
    plan_.programs = successions_.arrange(std::move(plan_.programs), plan_.metrics, kept_, *continuity_.previous);
    while (std::any_of(plan_.programs.begin(), plan_.programs.end(),
                       [this](const plan::ProgramPlan& program) { return drop_kept(program); })) {
    }
  }

  /// Whether a metric of the program is not kept any more, as the program can't be replaced.
  bool drop_kept(const plan::ProgramPlan& program) {
    const loader::ServingProgram* running = successions_.before(program.point, program.units.front().metric);
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
      if (metric && kept_[i] == nullptr && continuity_.outlives) {
        if (auto shown = loader::create_shown(*metric); !shown) {
          metric = fail(std::move(shown.error()));
        }
      }
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
    const loader::ServingProgram* running = successions_.before(program.point, program.units.front().metric);
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
    serving.metrics = plan::metrics_of(program);
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
    const plan::ProgramPlan program = only(whole, [](std::size_t) { return true; });
    if (!program.units.empty()) {
      take_program(whole, compile(program), programs);
    }
  }

  /// Takes a program loaded with all its metrics. When that failed, finds out which of them is to blame; when none alone is,
  /// the program is too long, and is loaded in two halves.
  void take_program(const plan::ProgramPlan& whole, Result<loader::ServingProgram> serving,
                    std::vector<loader::ServingProgram>& programs) {
    plan::ProgramPlan program = only(whole, [](std::size_t) { return true; });
    if (program.units.empty()) {
      return;
    }
    if (!serving) {
      blame(program, serving.error());
      plan::ProgramPlan left = only(whole, [](std::size_t) { return true; });
      if (left.units.empty()) {
        return;
      }
      if (left.units.size() < program.units.size()) {
        program = std::move(left);
        serving = compile(program);
      }
    }
    if (!serving && plan::metrics_of(program).size() == 1) {
      reject(program.units.front().metric, serving.error(), serving.error().by_verifier);
      return;
    }
    if (!serving) {
      const auto [first, second] = halve(program);
      load_program(first, programs);
      load_program(second, programs);
      return;
    }
    programs.push_back(std::move(*serving));
  }

  /// The first half stays in the slot that the program was meant for: with what is kept, which can't leave it.
  std::pair<plan::ProgramPlan, plan::ProgramPlan> halve(const plan::ProgramPlan& program) {
    const auto is_kept = [this](std::size_t metric) { return kept_[metric] != nullptr; };
    auto halves = std::pair(only(program, is_kept), only(program, std::not_fn(is_kept)));
    if (halves.first.units.empty() || halves.second.units.empty()) {
      halves = plan::halve(program);
    }
    for (const std::size_t metric : plan::metrics_of(halves.second)) {
      successions_.leave(program.point, metric);
      begin_anew(metric);
    }
    return halves;
  }

  void begin_anew(std::size_t metric) {
    if (kept_[metric] != nullptr) {
      anew_.insert(metric);
    }
  }

  void blame(const plan::ProgramPlan& program, const Error& error) {
    const std::vector<std::size_t> metrics = plan::metrics_of(program);
    const bool refused = error.by_verifier;
    const bool too_long = !error.os_error || *error.os_error == E2BIG;
    if (metrics.size() > 1 && too_long) {
      return;
    }
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

  /// What `serving` counts, without the metrics that are down.
  plan::ProgramPlan plan_of(const loader::ServingProgram& serving) const {
    const std::set<std::size_t> metrics(serving.metrics.begin(), serving.metrics.end());
    plan::ProgramPlan result;
    for (const plan::ProgramPlan& program : plan_.programs) {
      if (program.point == serving.point && result.units.empty()) {
        result = only(program, [&](std::size_t metric) { return metrics.contains(metric); });
      }
    }
    return result;
  }

  /// A program loaded early may serve a metric that a later program took down. False: none does.
  bool reload_without_down(std::vector<loader::ServingProgram>& programs) {
    const auto stale = [&](const loader::ServingProgram& program) {
      return std::any_of(program.metrics.begin(), program.metrics.end(), [&](std::size_t m) { return bool{down_[m]}; });
    };
    const auto found = std::find_if(programs.begin(), programs.end(), stale);
    if (found == programs.end()) {
      return false;
    }
    const plan::ProgramPlan again = plan_of(*found);
    programs.erase(found);
    load_program(again, programs);
    return true;
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
  Result<void> attach(loader::ServingProgram& program) {
    const loader::ServingProgram* running = successions_.before(program.point, program.metrics.front());
    if (running != nullptr && running->slot != nullptr) {
      auto tried = running->slot->try_out(program.program.descriptor());
      if (tried || is_shortage(tried.error())) {
        program.slot = running->slot;
        program.replaces = true;
        return tried;
      }
      for (const std::size_t metric : program.metrics) {
        begin_anew(metric);
      }
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
  std::set<std::size_t> anew_;
  Successions successions_;
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
  const plan::Plan whole = std::move(plan);
  std::set<std::size_t> anew;
  for (;;) {
    Deployer deployer(whole, features, continuity, anew);
    loader::Loaded loaded = deployer.run(attach);
    if (deployer.anew().size() == anew.size()) {
      return loaded;
    }
    anew = deployer.anew();
  }
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
