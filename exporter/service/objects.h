#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/kernel.h"
#include "loader/object.h"
#include "plan/planner.h"

namespace tpx::service {

/// A BPF object that is open, and its metrics.
struct OpenedObject {
  loader::ObjectFile file;
  std::vector<plan::ObjectMetricPlan> metrics;
};

struct PlannedObjects {
  std::vector<OpenedObject> objects;
  std::vector<plan::Rejected> rejected;  ///< none depends on the kernel
};

/// Where an object is: beside the configuration file; else, for a name without a directory, in bpf/ beside the program that
/// runs, or in ../lib/tracepoint_exporter/bpf from there. The first of these when it is nowhere.
[[nodiscard]] std::string find_object(const std::string& name, const std::string& config_path);

/// Opens the objects of a configuration and plans their metrics. Loads nothing, needs no privilege.
[[nodiscard]] PlannedObjects plan_objects(const config::Config& config, const kernel::Kernel& kernel,
                                          const plan::Options& options);

}  // namespace tpx::service
