#pragma once

#include <cstdint>
#include <string>

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
  std::optional<Error> error;

  void fail(std::string message, std::string hint = {}) {
    if (!error) {
      error = Error{std::move(message), std::move(hint)};
    }
  }
};

/// *(u64*)(base + offset) = src, after everything before it: a plain store where the architecture keeps stores in
/// order (x86), an exchange elsewhere. Destroys src.
void store_release(Context& context, assembler::Reg base, std::int64_t offset, assembler::Reg src);

}  // namespace tpx::codegen
