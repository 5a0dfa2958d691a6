#pragma once

#include "assembler/program.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// Emits the exit of a program with the return value of its attach type. Classic: 1, because after 0 the kernel drops the
/// event for every perf user of the tracepoint on the host (perf_trace_run_bpf_submit() in kernel/events/core.c). TpBtf: 0,
/// which the kernel ignores. Must be the last code generated.
void end_program(assembler::Program& out, plan::AttachType type);

}  // namespace tpx::codegen
