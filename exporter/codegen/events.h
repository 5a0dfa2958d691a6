#pragma once

#include <string>

#include "assembler/program.h"
#include "base/error.h"
#include "kernel/features.h"
#include "plan/event_plan.h"

namespace tpx::codegen {

/// Symbolic names of the maps that an event program uses.
inline constexpr const char* kEventRing = "events";        ///< BPF_MAP_TYPE_RINGBUF
inline constexpr const char* kEventCounters = "counters";  ///< an array whose value begins with the u64 of lost events

/// A program that copies each event that passes the filter into the ring buffer, as plan::EventPlan lays it out, without
/// waking the reader. An event that finds the buffer full adds one to the counter of lost ones. Pure.
[[nodiscard]] Result<assembler::Program> generate_events(const plan::EventPlan& plan, const kernel::Features& features);

}  // namespace tpx::codegen
