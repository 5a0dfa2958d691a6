#pragma once

#include <string_view>

#include "assembler/program.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// The map's symbolic name: a PROG_ARRAY whose element 0 is the program that counts.
inline constexpr std::string_view kSlotMap = "slot";

/// The program that stays attached while the program that counts is replaced: a tail call of element 0 of kSlotMap and
/// nothing else. The index is a constant, so that x86 jumps directly. Pure and deterministic.
/// See docs/design/continuity.md.
[[nodiscard]] assembler::Program generate_stub(plan::AttachType type);

}  // namespace tpx::codegen
