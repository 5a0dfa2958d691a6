#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "assembler/program.h"
#include "base/error.h"
#include "codegen/frame.h"
#include "kernel/features.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// What code generation of one program shares: where instructions go, what the kernel can do, and the first thing that
/// could not be generated. Not thread-safe.
struct Context {
  assembler::Program& out;
  const kernel::Features& features;
  bool task_loaded = false;  ///< kTask holds the current task
  std::optional<Error> error = std::nullopt;
  std::optional<std::uint32_t> task_argument = std::nullopt;  ///< the tracepoint's argument that is the current task
  std::string key = {};     ///< identity of the key that R10 + kKey holds on every path that leads here; empty: unknown
  bool key_listed = false;  ///< the verifier could tell what is in it: one of a few constants, by the branches taken
  bool key_hashed = false;  ///< kHash holds a table's hash of it
  /// Whose expressions are evaluated now: those to which memory that can't be read counts.
  std::vector<const schema::MetricSchema*> metrics = {};

  void fail(std::string message, std::string hint = {}) {
    if (!error) {
      error = Error{std::move(message), std::move(hint)};
    }
  }
};

/// Counts a read that failed (plan::LostReason::ReadFault) to each of context.metrics. Destroys R0 and R1.
void count_fault(Context& context);

/// *(size*)(base + offset) = src, Word or Double, after everything before it: a plain store where the architecture keeps
/// stores in order (x86), an exchange elsewhere. Destroys src.
void store_release(Context& context, assembler::Size size, assembler::Reg base, std::int64_t offset,
                   assembler::Reg src);

}  // namespace tpx::codegen
