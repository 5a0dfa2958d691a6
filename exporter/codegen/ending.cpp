#include "codegen/ending.h"

namespace tpx::codegen {

void end_program(assembler::Program& out, plan::AttachType type) {
  out.load_immediate(assembler::Reg::R0, type == plan::AttachType::Classic ? 1 : 0);
  out.exit();
}

}  // namespace tpx::codegen
