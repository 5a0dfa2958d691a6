#pragma once

#include <optional>

#include "base/error.h"
#include "kernel/kernel.h"
#include "plan/program_plan.h"

namespace tpx::plan {

/// How to learn that ids are over, for `retire_on_exit`: the tracepoint sched_process_free, which the kernel fires for each
/// task after its last switch off a CPU (kernel/exit.c, delayed_put_task_struct()), so after all that it does. Typed where
/// the kernel has BTF, unless `force` says otherwise. Pure.
[[nodiscard]] Result<ExitPlan> plan_exits(const kernel::Kernel& kernel, std::optional<AttachType> force);

}  // namespace tpx::plan
