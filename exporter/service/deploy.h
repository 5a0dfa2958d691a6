#pragma once

#include <set>
#include <string>
#include <vector>

#include "loader/loader.h"
#include "service/prepare.h"

namespace tpx::service {

/// What is loaded and attached, and what could not be.
struct Deployment {
  loader::Loaded loaded;
  std::vector<plan::Rejected> rejected;  ///< by the planner; what the kernel refused is in `loaded`
  std::set<std::string> probe_reads;     ///< metrics planned again with bpf_probe_read_kernel, see plan::Options
};

/// Loads everything and attaches it. Metrics whose plain loads through kernel pointers the verifier refused are planned
/// again with bpf_probe_read_kernel. With Attach::No nothing is attached; the kernel's verdict is the same.
[[nodiscard]] Deployment deploy(Prepared prepared, const kernel::Kernel& kernel,
                                loader::Attach attach = loader::Attach::Yes);

/// Creates the maps of a plan, compiles and loads its programs and attaches them. A metric that can't be served goes to
/// `rejected` with its reason, and everything of it is released; the others are served. All programs are loaded before the
/// first is attached. With Attach::No nothing is attached: the verifier's refusals are known, and nothing runs.
[[nodiscard]] loader::Loaded deploy(plan::Plan plan, const kernel::Features& features,
                                    loader::Attach attach = loader::Attach::Yes);

/// What the kernel refused at deployment: metrics, then programs of BPF objects.
[[nodiscard]] Errors refused_by_kernel(const Deployment& deployment);

}  // namespace tpx::service
