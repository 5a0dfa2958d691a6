#pragma once

#include "codegen/context.h"
#include "codegen/integers.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// Builds a metric's key at R10 + kKey, unless it is there already: every byte of it is written, padding is zero. Destroys
/// R0 to R5.
void write_key(Context& context, Integers& integers, const schema::KeyLayout& layout,
               const std::vector<typed::TypedExprPtr>& labels);

}  // namespace tpx::codegen
