#include "codegen/exits.h"

#include "codegen/frame.h"

namespace tpx::codegen {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Program;
using assembler::Reg;
using assembler::Size;

namespace {

/// Marks the id in R2. Destroys R2 to R5.
void mark(Program& out, std::uint32_t bits, Label beyond) {
  out.jump_if(Cond::Ge, Reg::R2, kIds, beyond);
  out.load_map(Reg::R4, {std::string(kExitMap), 0});
  if (bits == 8) {
    out.alu(Alu::Add, Reg::R4, Reg::R2);
    out.store_immediate(Size::Byte, Reg::R4, 0, 1);
    return;
  }
  out.move(Reg::R3, Reg::R2);
  out.alu(Alu::Rsh, Reg::R3, 6);
  out.alu(Alu::Lsh, Reg::R3, 3);
  out.alu(Alu::Add, Reg::R4, Reg::R3);
  out.alu(Alu::And, Reg::R2, 63);
  out.load_immediate(Reg::R5, 1);
  out.alu(Alu::Lsh, Reg::R5, Reg::R2);
  out.atomic(Atomic::FetchOr, Size::Double, Reg::R4, 0, Reg::R5);
}

}  // namespace

std::uint32_t exit_mark_bits(const kernel::Features& features) {
  return features.fetch_atomics ? 1 : 8;
}

Program generate_exits(const plan::ExitPlan& plan, const kernel::Features& features) {
  Program out;
  const Label done = out.new_label();
  const std::uint32_t bits = exit_mark_bits(features);
  const bool typed = plan.point.type == plan::AttachType::TpBtf;
  out.comment("the task");
  if (typed) {
    out.load(Size::Double, kContext, Reg::R1, 0);
  } else {
    out.move(kContext, Reg::R1);
  }
  out.comment("its thread is over");
  out.load(Size::Word, Reg::R2, kContext, plan.thread_offset);
  mark(out, bits, done);
  if (typed) {
    out.comment("does a thread of its process live?");
    out.load(Size::Double, Reg::R3, kContext, plan.signal_offset);
    out.load(Size::Word, Reg::R3, Reg::R3, plan.live_offset);
    out.jump_if(Cond::Ne, Reg::R3, 0, done);
    out.comment("its process is over");
    out.load(Size::Word, Reg::R2, kContext, plan.process_offset);
    mark(out, bits, done);
  }
  out.place(done);
  out.load_immediate(Reg::R0, 0);
  out.exit();
  return out;
}

}  // namespace tpx::codegen
