#include "codegen/exits.h"

#include "codegen/ending.h"
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
void set_mark(Program& out, ExitMark mark, std::uint32_t bits, Label beyond) {
  out.jump_if(Cond::Ge, Reg::R2, kIds, beyond);
  out.load_map(Reg::R4, {std::string(kExitMap), 0});
  if (bits == 8) {
    out.alu(Alu::Add, Reg::R4, Reg::R2);
    out.store_immediate(Size::Byte, Reg::R4, 0, static_cast<std::int32_t>(mark));
    return;
  }
  out.move(Reg::R3, Reg::R2);
  out.alu(Alu::Rsh, Reg::R3, 5);
  out.alu(Alu::Lsh, Reg::R3, 3);
  out.alu(Alu::Add, Reg::R4, Reg::R3);
  out.alu(Alu::And, Reg::R2, 31);
  out.alu(Alu::Lsh, Reg::R2, 1);
  out.load_immediate(Reg::R5, static_cast<std::int64_t>(mark));
  out.alu(Alu::Lsh, Reg::R5, Reg::R2);
  out.atomic(Atomic::FetchOr, Size::Double, Reg::R4, 0, Reg::R5);
}

void mark_typed(Program& out, const plan::ExitPlan& plan, ExitMark mark, std::uint32_t bits, Label done) {
  const Label thread = out.new_label();
  out.comment("the task");
  out.load(Size::Double, kContext, Reg::R1, 0);
  out.comment("does a thread of its process live?");
  out.load(Size::Double, Reg::R3, kContext, plan.signal_offset);
  out.load(Size::Word, Reg::R3, Reg::R3, plan.live_offset);
  out.jump_if(Cond::Ne, Reg::R3, 0, thread);
  out.comment("its process is over");
  out.load(Size::Word, Reg::R2, kContext, plan.process_offset);
  set_mark(out, mark, bits, done);
  out.place(thread);
  // The first thread's id is the process': over with the last thread, however early that one ends.
  out.comment("its thread is over, unless it is the process' first");
  out.load(Size::Word, Reg::R2, kContext, plan.thread_offset);
  out.load(Size::Word, Reg::R3, kContext, plan.process_offset);
  out.jump_if(Cond::Eq, Reg::R2, Reg::R3, done);
  set_mark(out, mark, bits, done);
}

}  // namespace

std::uint32_t exit_mark_bits(const kernel::Features& features) {
  return features.fetch_atomics ? 2 : 8;
}

Program generate_exits(const plan::ExitPlan& plan, ExitMark mark, const kernel::Features& features) {
  Program out;
  const Label done = out.new_label();
  const std::uint32_t bits = exit_mark_bits(features);
  const plan::AttachPoint& point = mark == ExitMark::Exited ? plan.exit : plan.free;
  if (point.type == plan::AttachType::TpBtf) {
    mark_typed(out, plan, mark, bits, done);
  } else {
    out.comment("its thread is over");
    out.load(Size::Word, Reg::R2, Reg::R1,
             mark == ExitMark::Exited ? plan.exit_thread_offset : plan.free_thread_offset);
    set_mark(out, mark, bits, done);
  }
  out.place(done);
  end_program(out, point.type);
  return out;
}

}  // namespace tpx::codegen
