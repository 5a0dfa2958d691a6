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

/// What an id's field holds: both bits when both happened since it was last read. A field of a byte holds the latter.
enum class ExitMark : std::uint8_t {
  Exited = 1,  ///< it has begun to end: little more is to come of it (sched_process_exit)
  Freed = 2    ///< nothing more comes of it (sched_process_free)
};

/// 2 where the kernel has a fetching atomic OR (5.12), else 8: a byte is stored without.
[[nodiscard]] std::uint32_t exit_mark_bits(const kernel::Features& features);

/// The program that sets `mark` for the ids of the task that its event is about: Exited at plan.exit, Freed at plan.free.
/// Marks are set here and cleared by who reads them, so none is ever lost, however many tasks end. Pure and deterministic.
[[nodiscard]] assembler::Program generate_exits(const plan::ExitPlan& plan, ExitMark mark,
                                                const kernel::Features& features);

}  // namespace tpx::codegen
