#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "kernel/kernel.h"
#include "plan/planner.h"
#include "plan/program_plan.h"
#include "typed/event_names.h"

namespace tpx::plan {

/// One way to serve one tracepoint: where to attach and what names mean there.
/// See docs/design/attachment.md.
struct Site {
  AttachPoint point;
  std::shared_ptr<const typed::EventNames> names;
  std::optional<SyscallDispatch> dispatch;  ///< numbers has one entry
  std::string reason;                       ///< why this attach type
};

/// One tracepoint of a metric with the ways to serve it, best first.
struct Tracepoint {
  std::string name;                              ///< `category/name`, or the raw name
  std::shared_ptr<const kernel::Format> format;  ///< null for a raw tracepoint
  std::vector<Site> sites;
};

struct Tracepoints {
  std::vector<Tracepoint> found;
  std::vector<Error> missing;  ///< names that this kernel lacks, globs that match nothing
};

/// Looks the names up in this kernel. `metric` is its full name, for Options::probe_reads.
[[nodiscard]] Tracepoints find_tracepoints(const config::Events& events, const std::string& metric,
                                           const kernel::Kernel& kernel, const Options& options);

}  // namespace tpx::plan
