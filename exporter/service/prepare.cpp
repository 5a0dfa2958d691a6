#include "service/prepare.h"

#include <utility>

#include "service/configuration.h"

namespace tpx::service {

namespace {

void append(Errors& errors, const std::vector<plan::Rejected>& rejected) {
  for (const plan::Rejected& metric : rejected) {
    errors.push_back(Error(metric.error).at(metric.at));
  }
}

/// An object is loaded with all its maps or not at all.
void limit_objects(Prepared& prepared, const kernel::Kernel& kernel) {
  std::erase_if(prepared.objects.objects, [&](const OpenedObject& object) {
    std::uint64_t bytes = 0;
    for (const plan::ObjectMap& map : object.file.maps()) {
      bytes += map.bytes(kernel.possible_cpus);
    }
    const bool none = object.metrics.empty();
    const std::string name = none ? object.file.path() : object.metrics.front().planned.plan.name;
    const auto problem = plan::take_bytes(prepared.plan, name, bytes);
    for (const plan::ObjectMetricPlan& metric : object.metrics) {
      if (problem) {
        prepared.rejected.push_back({metric.planned.plan.name, *problem, true, metric.planned.plan.at});
      }
    }
    return problem.has_value();
  });
}

}  // namespace

Prepared prepare(config::Loaded loaded, const kernel::Kernel& kernel) {
  Prepared prepared;
  prepared.config = std::move(loaded.config);
  prepared.written_wrong = std::move(loaded.errors);
  prepared.plan = plan::make_plan(prepared.config, kernel, planner_options());
  prepared.objects = plan_objects(prepared.config, kernel, planner_options());
  limit_objects(prepared, kernel);
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

}  // namespace tpx::service
