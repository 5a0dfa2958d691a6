#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "decode/decoder.h"
#include "plan/planner.h"

namespace tpx::service {

/// The configuration that is built in: config/default.yaml.
[[nodiscard]] const char* default_configuration();

/// The named files, or the built-in configuration when none is named.
[[nodiscard]] config::Loaded load_configuration(const std::vector<std::string>& files);

/// The planner's options with the decoders there are.
[[nodiscard]] plan::Options planner_options();

/// Everything that is wrong with a configuration and can be told without a kernel.
[[nodiscard]] Errors errors_without_kernel(const config::Loaded& loaded);

}  // namespace tpx::service
