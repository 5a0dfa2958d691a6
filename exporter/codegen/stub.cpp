#include "codegen/stub.h"

#include <linux/bpf.h>

#include <string>

#include "codegen/ending.h"

namespace tpx::codegen {

using assembler::Reg;

assembler::Program generate_stub(plan::AttachType type) {
  assembler::Program out;
  out.comment("run the program that counts");
  out.load_map(Reg::R2, {std::string(kSlotMap), {}});
  out.load_immediate(Reg::R3, 0);
  out.call(BPF_FUNC_tail_call);
  out.comment("the slot is empty");
  end_program(out, type);
  return out;
}

}  // namespace tpx::codegen
