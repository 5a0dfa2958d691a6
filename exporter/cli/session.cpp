#include "cli/session.h"

#include "cli/objects.h"
#include "decode/decoder.h"

namespace tpx::cli {

const char* default_configuration() {
  return
#include "default_config.inc"
      ;
}

config::Loaded load_configuration(const std::vector<std::string>& files) {
  return files.empty() ? config::parse("default.yaml (built in)", default_configuration()) : config::load(files);
}

plan::Options planner_options() {
  plan::Options options;
  options.decoders = decode::signatures();
  return options;
}

Attached attach(const config::Config& config, const kernel::Kernel& kernel) {
  return attach(config, kernel, plan::make_plan(config, kernel, planner_options()));
}

Attached attach(const config::Config& config, const kernel::Kernel& kernel, plan::Plan plan) {
  plan::Options options = planner_options();
  std::vector<plan::Rejected> rejected = plan.rejected;
  loader::Loaded loaded = loader::load(std::move(plan), kernel.features);
  if (!loaded.refused_loads.empty()) {
    options.probe_reads.insert(loaded.refused_loads.begin(), loaded.refused_loads.end());
    loaded = {};
    plan = plan::make_plan(config, kernel, options);
    rejected = plan.rejected;
    loaded = loader::load(std::move(plan), kernel.features);
  }
  PlannedObjects planned = plan_objects(config, kernel, options);
  rejected.insert(rejected.end(), planned.rejected.begin(), planned.rejected.end());
  for (OpenedObject& object : planned.objects) {
    std::vector<plan::Rejected> lost;
    for (const plan::ObjectMetricPlan& metric : object.metrics) {
      lost.push_back({metric.planned.plan.name, {}, true, object.file.at()});
    }
    auto running = loader::load_object(std::move(object.file), std::move(object.metrics), loaded.rejected);
    if (running) {
      loaded.objects.push_back(std::move(*running));
      continue;
    }
    for (plan::Rejected& metric : lost) {
      metric.error = running.error();
      loaded.rejected.push_back(std::move(metric));
    }
  }
  return {std::move(loaded), std::move(rejected)};
}

}  // namespace tpx::cli
