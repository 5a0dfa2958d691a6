#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "decode/decoder.h"
#include "kernel/kernel.h"
#include "loader/loader.h"
#include "plan/planner.h"

namespace tpx::cli {

/// The configuration that is built in: config/default.yaml.
[[nodiscard]] const char* default_configuration();

/// The named files, or the built-in configuration when none is named.
[[nodiscard]] config::Loaded load_configuration(const std::vector<std::string>& files);

/// The planner's options with the decoders there are.
[[nodiscard]] plan::Options planner_options();

/// What is attached, and what could not be.
struct Attached {
  loader::Loaded loaded;
  std::vector<plan::Rejected> rejected;
};

/// Plans, loads and attaches. Metrics whose plain loads through kernel pointers the verifier refused are planned again with
/// bpf_probe_read_kernel.
[[nodiscard]] Attached attach(const config::Config& config, const kernel::Kernel& kernel);
/// The same with what was planned already, by planner_options().
[[nodiscard]] Attached attach(const config::Config& config, const kernel::Kernel& kernel, plan::Plan plan);

}  // namespace tpx::cli
