#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/objects.h"
#include "config/config.h"
#include "kernel/kernel.h"
#include "loader/loader.h"
#include "plan/planner.h"

namespace tpx::cli {

/// A configuration prepared for one kernel: every metric planned or rejected, BPF objects open, nothing loaded. serve,
/// check and top all use it, so that they report the same errors.
///
///     Prepared prepared = prepare(load_configuration(files), kernel);
///     if (const Errors errors = refusal(prepared, strict); !errors.empty()) { report; stop }
///     Attached attached = deploy(std::move(prepared), kernel);
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

/// What is attached, and what could not be.
struct Attached {
  loader::Loaded loaded;
  std::vector<plan::Rejected> rejected;  ///< by the planner; what the kernel refused is in `loaded`
  std::set<std::string> probe_reads;     ///< metrics planned again with bpf_probe_read_kernel, see plan::Options
};

/// Loads everything and attaches it. Metrics whose plain loads through kernel pointers the verifier refused are planned
/// again with bpf_probe_read_kernel. With Attach::No nothing is attached; the kernel's verdict is the same.
[[nodiscard]] Attached deploy(Prepared prepared, const kernel::Kernel& kernel,
                              loader::Attach attach = loader::Attach::Yes);

/// What the kernel refused at deployment: metrics, then programs of BPF objects.
[[nodiscard]] Errors refused_by_kernel(const Attached& attached);

}  // namespace tpx::cli
