#pragma once

#include "assembler/program.h"
#include "base/error.h"
#include "kernel/features.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// The program of an attach point: all its units, one after the other. Pure and deterministic. Fails when something does
/// not fit the BPF stack or an instruction.
[[nodiscard]] Result<assembler::Program> generate(const plan::ProgramPlan& program,
                                                  const std::vector<plan::PlannedMetric>& metrics,
                                                  const kernel::Features& features);

}  // namespace tpx::codegen
