#pragma once

#include "assembler/program.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// Ends a program with what its attach type must return. Classic: 1, as the kernel drops the event for every perf user of
/// the tracepoint, on the whole host, when a program returns 0 (perf_trace_run_bpf_submit() in kernel/events/core.c).
/// TpBtf: 0, which nobody looks at. The last thing to generate.
void end_program(assembler::Program& out, plan::AttachType type);

}  // namespace tpx::codegen
