#include "cli/prepare.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/session.h"

namespace tpx::cli {

namespace {

void append(Errors& errors, const std::vector<plan::Rejected>& rejected) {
  for (const plan::Rejected& metric : rejected) {
    errors.push_back(Error(metric.error).at(metric.at));
  }
}

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

}  // namespace

Prepared prepare(config::Loaded loaded, const kernel::Kernel& kernel) {
  Prepared prepared;
  prepared.config = std::move(loaded.config);
  prepared.written_wrong = std::move(loaded.errors);
  prepared.plan = plan::make_plan(prepared.config, kernel, planner_options());
  prepared.objects = plan_objects(prepared.config, kernel, planner_options());
  for (auto* list : {&prepared.plan.rejected, &prepared.objects.rejected}) {
    for (plan::Rejected& metric : *list) {
      if (metric.kernel_dependent) {
        prepared.rejected.push_back(std::move(metric));
      } else {
        prepared.written_wrong.push_back(std::move(metric.error).at(metric.at));
      }
    }
    list->clear();
  }
  return prepared;
}

Errors all_errors(const Prepared& prepared) {
  Errors errors = prepared.written_wrong;
  append(errors, prepared.rejected);
  return errors;
}

Errors refusal(const Prepared& prepared, bool strict) {
  return strict || !prepared.written_wrong.empty() ? all_errors(prepared) : Errors{};
}

Attached deploy(Prepared prepared, const kernel::Kernel& kernel, loader::Attach attach) {
  Attached attached;
  attached.loaded = loader::load(std::move(prepared.plan), kernel.features, attach);
  if (!attached.loaded.refused_loads.empty()) {
    attached.probe_reads.insert(attached.loaded.refused_loads.begin(), attached.loaded.refused_loads.end());
    attached.loaded = {};
    plan::Options options = planner_options();
    options.probe_reads = attached.probe_reads;
    attached.loaded = loader::load(plan::make_plan(prepared.config, kernel, options), kernel.features, attach);
  }
  attached.rejected = std::move(prepared.rejected);
  deploy_objects(std::move(prepared.objects.objects), attached.loaded, attach);
  return attached;
}

Errors refused_by_kernel(const Attached& attached) {
  Errors errors;
  append(errors, attached.loaded.rejected);
  for (const loader::LoadedObject& object : attached.loaded.objects) {
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

}  // namespace tpx::cli
