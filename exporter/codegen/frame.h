#pragma once

#include <cstdint>

#include "assembler/instruction.h"

namespace tpx::codegen {

// Register roles. R0 to R5 are scratch: expressions are evaluated in them, helpers take and destroy them.
inline constexpr assembler::Reg kContext = assembler::Reg::R6;  ///< the program's context, all the way
inline constexpr assembler::Reg kRow = assembler::Reg::R7;      ///< the pair's slot, then the row that is updated
inline constexpr assembler::Reg kHash = assembler::Reg::R8;     ///< the pair's owner word, then the key's hash
inline constexpr assembler::Reg kTask = assembler::Reg::R9;     ///< the current task, where a program needs it
inline constexpr assembler::Reg kFrame = assembler::Reg::R10;

// The 512 bytes of stack, as offsets from R10.
inline constexpr std::int64_t kValueSlot = -8;  ///< what the event adds, sets or observes
inline constexpr std::int64_t kProbeSlot =
    -16;                                       ///< table: number of the probe; hash: errno of the insertion; pair: hash
inline constexpr std::int64_t kTrySlot = -24;  ///< table: how often another was first; pair: index of the slot
inline constexpr std::int64_t kPositionSlot =
    -32;  ///< table: offset in the index of the word being inserted; pair: key
inline constexpr std::int64_t kDispatchSlot = -40;  ///< position of the tracepoint that fired
inline constexpr std::int64_t kScratchSlot = -48;   ///< where bpf_probe_read_kernel puts an integer
/// Table: id + 1 that was taken for a slot which another took first, or 0.
inline constexpr std::int64_t kHeldSlot = kScratchSlot;
inline constexpr std::int64_t kFirstSpill = -56;  ///< intermediate results, downwards
inline constexpr unsigned kSpills = 8;
inline constexpr std::int64_t kKey = -368;       ///< 256 bytes of key, to -112
inline constexpr std::int64_t kLeftText = -440;  ///< 72 bytes for each side of a comparison
inline constexpr std::int64_t kRightText = -512;
inline constexpr std::uint32_t kTextBytes = 72;

static_assert(kFirstSpill - 8 * (static_cast<std::int64_t>(kSpills) - 1) >= kKey + 256);

}  // namespace tpx::codegen
