#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/kernel.h"
#include "plan/planner.h"
#include "service/objects.h"

namespace tpx::service {

/// A configuration prepared for one kernel: every metric planned or rejected, BPF objects open, nothing loaded. serve,
/// check and top all use it, so that they report the same errors.
///
///     Prepared prepared = prepare(load_configuration(files), kernel);
///     if (const Errors errors = refusal(prepared, strict); !errors.empty()) { report; stop }
///     Deployment deployment = deploy(std::move(prepared), kernel);
/// See docs/design/pipeline.md.
struct Prepared {
  config::Config config;
  plan::Plan plan;  ///< its `rejected` has been moved to the members below
  PlannedObjects objects;
  Errors written_wrong;                  ///< errors that do not depend on the kernel
  std::vector<plan::Rejected> rejected;  ///< metrics that this kernel can't serve
};

[[nodiscard]] Prepared prepare(config::Loaded loaded, const kernel::Kernel& kernel);

/// All errors: those of the configuration and those of metrics that this kernel can't serve.
[[nodiscard]] Errors all_errors(const Prepared& prepared);

/// The errors because of which the configuration is refused as a whole: those that do not depend on the kernel, or with
/// `strict` all. Empty: it is served, without the metrics that this kernel can't serve.
[[nodiscard]] Errors refusal(const Prepared& prepared, bool strict);

}  // namespace tpx::service
