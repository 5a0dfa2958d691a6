#pragma once

#include <optional>

#include "base/error.h"
#include "kernel/kernel.h"
#include "plan/program_plan.h"

namespace tpx::plan {

/// How to learn that ids are over, for `retire_on_exit`. The tracepoint sched_process_free fires for each task after its last
/// switch off a CPU (kernel/exit.c, delayed_put_task_struct()), so after all that it does; but in whatever the CPU happens to
/// run then, where a program may be kept from running. sched_process_exit fires in the task itself, a little before the end.
/// Both are watched, so that an id that one of them missed is told by the other. Typed where the kernel has BTF, unless
/// `force` says otherwise. Pure.
[[nodiscard]] Result<ExitPlan> plan_exits(const kernel::Kernel& kernel, std::optional<AttachType> force);

}  // namespace tpx::plan
