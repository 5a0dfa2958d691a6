#pragma once

#include <string>

#include "kernel/kernel.h"
#include "plan/planner.h"

namespace tpx::live {

/// A configuration that counts the events of a tracepoint by what tells them apart. The planner takes it on `kernel`.
[[nodiscard]] std::string configuration_snippet(const kernel::Format& format, const kernel::Kernel& kernel,
                                                const plan::Options& options);

}  // namespace tpx::live
