#pragma once

#include <cstdint>
#include <string_view>

#include "assembler/program.h"
#include "kernel/features.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// The map's symbolic name: one value, a field of `exit_mark_bits()` bits for each id from 0.
inline constexpr std::string_view kExitMap = "exits";
/// Ids are below this (PID_MAX_LIMIT of 64-bit kernels, include/linux/threads.h).
inline constexpr std::uint32_t kIds = 4 * 1024 * 1024;

/// 1 where the kernel has a fetching atomic OR (5.12), else 8: a byte is stored without.
[[nodiscard]] std::uint32_t exit_mark_bits(const kernel::Features& features);

/// The program that marks the ids of each freed task. Marks are set here and cleared by who reads them, so none is ever
/// lost, however many tasks end. Pure and deterministic.
[[nodiscard]] assembler::Program generate_exits(const plan::ExitPlan& plan, const kernel::Features& features);

}  // namespace tpx::codegen
