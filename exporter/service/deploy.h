#pragma once

#include <set>
#include <string>
#include <vector>

#include "loader/loader.h"
#include "service/prepare.h"

namespace tpx::service {

/// What a deployment takes over from the one that runs, and how the next one can take over from it.
struct Continuity {
  bool replaceable = false;  ///< attaches programs through slots, where the kernel can: loader::AttachSlot
  /// What runs. Metrics whose identity is the same share its maps; programs and the exit watch that did not change are
  /// shared; no shortage is passed over (`Loaded::shortage`). Nothing of it changes before loader::replace_programs().
  const loader::Loaded* previous = nullptr;
  bool outlives = false;  ///< the counts may outlive this process: LoadedMetric::shown
};

/// What is loaded and attached, and what could not be.
struct Deployment {
  loader::Loaded loaded;
  std::vector<plan::Rejected> rejected;  ///< by the planner; what the kernel refused is in `loaded`
  std::set<std::string> probe_reads;     ///< metrics planned again with bpf_probe_read_kernel, see plan::Options
};

/// Loads everything and attaches it. Metrics whose plain loads through kernel pointers the verifier refused are planned
/// again with bpf_probe_read_kernel. With Attach::No nothing is attached; the kernel's verdict is the same.
[[nodiscard]] Deployment deploy(Prepared prepared, const kernel::Kernel& kernel,
                                loader::Attach attach = loader::Attach::Yes, const Continuity& continuity = {});

/// Creates the maps of a plan, compiles and loads its programs and attaches them. A metric that can't be served goes to
/// `rejected` with its reason, and everything of it is released; the others are served. All programs are loaded before the
/// first is attached. With Attach::No nothing is attached: the verifier's refusals are known, and nothing runs.
[[nodiscard]] loader::Loaded deploy(plan::Plan plan, const kernel::Features& features,
                                    loader::Attach attach = loader::Attach::Yes, const Continuity& continuity = {});

/// What the kernel refused at deployment: metrics, then programs of BPF objects.
[[nodiscard]] Errors refused_by_kernel(const Deployment& deployment);

}  // namespace tpx::service
