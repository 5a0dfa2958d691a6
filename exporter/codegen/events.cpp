#include "codegen/events.h"

#include <linux/bpf.h>

#include "codegen/ending.h"
#include "codegen/integers.h"
#include "codegen/texts.h"

namespace tpx::codegen {

using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;
using schema::ValueType;

namespace {

void write_column(Context& context, Integers& integers, const plan::EventColumn& column) {
  context.out.comment(column.name);
  if (column.type.kind == ValueType::Kind::Integer) {
    integers.value(*column.value, Reg::R0);
    context.out.store(static_cast<Size>(column.type.size), kRow, column.offset, Reg::R0);
    return;
  }
  Texts texts(context, integers, kRow);
  const std::uint32_t size = (column.type.size + 7) / 8 * 8;
  // What a failed read leaves must be empty; what follows a string's NUL nobody reads.
  texts.zero(column.offset, column.type.kind == ValueType::Kind::String ? 8 : size);
  texts.write(*column.value, column.offset, size);
}

/// To `end` unless the event is of the system call that is wanted.
void dispatch(Context& context, Integers& integers, const plan::SyscallDispatch& dispatch, Label end) {
  context.out.comment("which system call");
  integers.value(*dispatch.number, Reg::R0);
  context.out.jump_if(Cond::Ne, Reg::R0, dispatch.numbers.front(), end);
  if (dispatch.compat) {
    context.out.comment("32-bit calls have numbers of their own");
    integers.branch(*dispatch.compat, end, true);
  }
}

/// kRow = room for a record; to `end` when there is none, which is counted.
void reserve(Context& context, std::uint32_t bytes, Label end) {
  assembler::Program& out = context.out;
  const Label have = out.new_label();
  out.comment("room in the ring buffer");
  out.load_map(Reg::R1, {kEventRing, {}});
  out.load_immediate(Reg::R2, bytes);
  out.load_immediate(Reg::R3, 0);
  out.call(BPF_FUNC_ringbuf_reserve);
  out.move(kRow, Reg::R0);
  out.jump_if(Cond::Ne, kRow, 0, have);
  out.comment("it is full: the event is lost");
  out.load_map(Reg::R1, {kEventCounters, 0});
  out.load_immediate(Reg::R2, 1);
  out.atomic(assembler::Atomic::Add, Size::Double, Reg::R1, 0, Reg::R2);
  out.jump(end);
  out.place(have);
}

}  // namespace

Result<assembler::Program> generate_events(const plan::EventPlan& plan, const kernel::Features& features) {
  assembler::Program out;
  Context context{out, features};
  Integers integers(context);
  const Label end = out.new_label();
  out.comment(plan.point.text());
  out.move(kContext, Reg::R1);
  if (plan.dispatch) {
    dispatch(context, integers, *plan.dispatch, end);
  }
  if (plan.filter) {
    out.comment("filter");
    integers.branch(*plan.filter, end, false);
  }
  reserve(context, plan.record_bytes, end);
  if (features.current_task_btf) {
    out.comment("current task");
    out.call(BPF_FUNC_get_current_task_btf);
    out.move(kTask, Reg::R0);
    context.task_loaded = true;
  }
  for (const plan::EventColumn& column : plan.header) {
    write_column(context, integers, column);
  }
  for (const plan::EventColumn& column : plan.columns) {
    write_column(context, integers, column);
  }
  out.comment("to the reader, which looks by itself");
  out.move(Reg::R1, kRow);
  out.load_immediate(Reg::R2, BPF_RB_NO_WAKEUP);
  out.call(BPF_FUNC_ringbuf_submit);
  out.place(end);
  out.comment("done");
  end_program(out, plan.point.type);
  if (context.error) {
    return fail(std::move(*context.error));
  }
  out.drop_unreachable();
  return out;
}

}  // namespace tpx::codegen
