#include "service/deploy.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <thread>
#include <utility>

#include "base/parallel.h"
#include "codegen/generate.h"
#include "plan/program_parts.h"
#include "service/configuration.h"

namespace tpx::service {

namespace {

/// Loads a plan: compiles its programs, finds the metrics that the kernel refuses, attaches the rest.
class Deployer {
 public:
  Deployer(plan::Plan plan, const kernel::Features& features) : plan_(std::move(plan)), features_(features) {
    down_.resize(plan_.metrics.size());
  }

  loader::Loaded run(loader::Attach attach) {
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

 private:
  void reject(std::size_t metric, Error error, bool refused = false) {
    if (down_[metric]) {
      return;
    }
    down_[metric] = true;
    const schema::MetricSchema& plan = plan_.metrics[metric].plan;
    if (refused) {
      loaded_.refused_loads.push_back(plan.name);
    }
    loaded_.rejected.push_back(
        {plan.name, std::move(error).with_context("metric \"" + plan.name + "\": "), true, plan.at});
  }

  void create_all_maps() {
    for (std::size_t i = 0; i < plan_.metrics.size(); ++i) {
      auto metric = loader::create_maps(plan_.metrics[i]);
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

  Result<loader::ServingProgram> compile(const plan::ProgramPlan& program) const {
    auto code = codegen::generate(program, plan_.metrics, features_);
    if (!code) {
      return fail(std::move(code.error()));
    }
    auto loaded = loader::LoadedProgram::load(program.point, program.name, *code, [&](const std::string& name) {
      return loader::map_descriptor(maps_, name);
    });
    if (!loaded) {
      return fail(std::move(loaded.error()));
    }
    loader::ServingProgram serving{program.point, program.name, code->instructions().size(), {}, std::move(*loaded)};
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
      const auto [first, second] = plan::halve(program);
      load_program(first, programs);
      load_program(second, programs);
      return;
    }
    programs.push_back(std::move(*serving));
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
    auto watch = loader::ExitWatch::start(*plan_.exits, features_, attach);
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

  void attach_all(std::vector<loader::ServingProgram>& programs) {
    for (loader::ServingProgram& program : programs) {
      const auto attached = program.program.attach(program.point);
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
    return std::move(loaded_);
  }

  plan::Plan plan_;
  const kernel::Features& features_;
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

loader::Loaded deploy(plan::Plan plan, const kernel::Features& features, loader::Attach attach) {
  return Deployer(std::move(plan), features).run(attach);
}

Deployment deploy(Prepared prepared, const kernel::Kernel& kernel, loader::Attach attach) {
  Deployment deployment;
  deployment.loaded = deploy(std::move(prepared.plan), kernel.features, attach);
  if (!deployment.loaded.refused_loads.empty()) {
    deployment.probe_reads.insert(deployment.loaded.refused_loads.begin(), deployment.loaded.refused_loads.end());
    deployment.loaded = {};
    plan::Options options = planner_options();
    options.probe_reads = deployment.probe_reads;
    deployment.loaded = deploy(plan::make_plan(prepared.config, kernel, options), kernel.features, attach);
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
