#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "assembler/program.h"

namespace tpx::test {

/// Bytes of the one value of the map that random programs work on: ten input words for R0 to R5 and R6 to R8 and a
/// spare, four words for atomics, then room for the registers' final values.
inline constexpr std::uint32_t kScratchBytes = 256;
inline constexpr int kScratchInputs = 0;
inline constexpr int kScratchAtomics = 80;
inline constexpr int kScratchResults = 128;

/// A program that any kernel from 5.12 on takes: it loads its registers from `map`'s value, does `length` random things
/// (arithmetic in both widths, conversions, forward jumps, stack stores and loads, atomics), and stores all registers
/// into the value. The same generator state gives the same program.
[[nodiscard]] assembler::Program random_program(std::mt19937_64& random, std::size_t length, const std::string& map);

/// A number that is often at an edge: 0, -1, powers of two and their neighbours.
[[nodiscard]] std::uint64_t random_word(std::mt19937_64& random);

}  // namespace tpx::test
