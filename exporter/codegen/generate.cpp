#include "codegen/generate.h"

#include <linux/bpf.h>

#include <algorithm>

#include "codegen/integers.h"
#include "codegen/keys.h"
#include "codegen/pairs.h"
#include "codegen/rows.h"
#include "codegen/updates.h"

namespace tpx::codegen {

using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;
using plan::Bound;

namespace {

/// How often an expression asks for the current task.
std::size_t task_uses(const Bound* bound) {
  if (bound == nullptr) {
    return 0;
  }
  if (const auto* n = std::get_if<plan::Special>(&bound->node)) {
    return n->kind == plan::Special::Kind::CurrentTask ? 1 : 0;
  }
  std::size_t uses = 0;
  for (const Bound* operand : plan::operands(*bound)) {
    uses += task_uses(operand);
  }
  return uses;
}

std::size_t task_uses(const plan::Count& count) {
  std::size_t uses = task_uses(count.value.get());
  for (const plan::BoundPtr& label : count.labels) {
    uses += task_uses(label.get());
  }
  return uses;
}

std::size_t task_uses(const plan::Unit& unit) {
  std::size_t uses = task_uses(unit.filter.get());
  uses += unit.dispatch ? task_uses(unit.dispatch->compat.get()) : 0;
  if (const auto* count = std::get_if<plan::Count>(&unit.action)) {
    uses += task_uses(*count);
  } else if (const auto* start = std::get_if<plan::PairStart>(&unit.action)) {
    uses += task_uses(start->key.get());
    for (const plan::Capture& capture : start->captures) {
      uses += task_uses(capture.value.get());
    }
  } else {
    const auto& end = std::get<plan::PairEnd>(unit.action);
    uses += task_uses(end.key.get()) + task_uses(end.filter.get()) + task_uses(end.count);
  }
  return uses;
}

void load_task(Context& context) {
  context.out.comment("current task");
  context.out.call(context.features.current_task_btf ? BPF_FUNC_get_current_task_btf : BPF_FUNC_get_current_task);
  context.out.move(kTask, Reg::R0);
  context.task_loaded = true;
}

class Generator {
 public:
  Generator(Context& context, const std::vector<plan::PlannedMetric>& metrics)
      : context_(context), out_(context.out), integers_(context), metrics_(metrics) {}

  void unit(const plan::Unit& unit) {
    const plan::PlannedMetric& metric = metrics_[unit.metric];
    const Label end = out_.new_label();
    out_.comment("metric " + metric.plan.name);
    if (unit.dispatch) {
      dispatch(*unit.dispatch, end);
    }
    const bool own_task = !context_.task_loaded && task_uses(unit) > 1;
    if (own_task) {
      load_task(context_);
    }
    if (unit.filter) {
      out_.comment("filter");
      integers_.branch(*unit.filter, end, false);
    }
    if (const auto* count = std::get_if<plan::Count>(&unit.action)) {
      count_event(*count, metric, end);
    } else if (const auto* start = std::get_if<plan::PairStart>(&unit.action)) {
      Pairs(context_, integers_, metric).start(*start);
    } else {
      pair_end(std::get<plan::PairEnd>(unit.action), metric, end);
    }
    out_.place(end);
    context_.task_loaded = context_.task_loaded && !own_task;
  }

 private:
  struct Case {
    std::uint32_t number;
    std::uint32_t index;
  };

  void dispatch(const plan::SyscallDispatch& dispatch, Label end) {
    out_.comment("which system call");
    integers_.value(*dispatch.number, Reg::R0);
    if (dispatch.numbers.size() == 1) {
      out_.jump_if(Cond::Ne, Reg::R0, dispatch.numbers.front(), end);
      out_.store_immediate(Size::Double, kFrame, kDispatchSlot, dispatch.indexes.front());
    } else {
      std::vector<Case> cases;
      for (std::size_t i = 0; i < dispatch.numbers.size(); ++i) {
        cases.push_back({dispatch.numbers[i], dispatch.indexes[i]});
      }
      std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.number < b.number; });
      const Label chosen = out_.new_label();
      choose(cases, 0, cases.size() - 1, chosen, end);
      out_.place(chosen);
      out_.store(Size::Double, kFrame, kDispatchSlot, Reg::R1);
    }
    if (dispatch.compat) {
      out_.comment("32-bit calls have numbers of their own");
      integers_.branch(*dispatch.compat, end, true);
    }
  }

  /// R1 = the index of the case whose number is in R0; to `none` when there is none. A binary search over constants.
  void choose(const std::vector<Case>& cases, std::size_t first, std::size_t last, Label chosen, Label none) {
    if (first == last) {
      out_.jump_if(Cond::Ne, Reg::R0, cases[first].number, none);
      out_.load_immediate(Reg::R1, cases[first].index);
      out_.jump(chosen);
      return;
    }
    const std::size_t middle = first + (last - first) / 2;
    const Label above = out_.new_label();
    out_.jump_if(Cond::Gt, Reg::R0, cases[middle].number, above);
    choose(cases, first, middle, chosen, none);
    out_.place(above);
    choose(cases, middle + 1, last, chosen, none);
  }

  void count_event(const plan::Count& count, const plan::PlannedMetric& metric, Label end) {
    if (count.value) {
      out_.comment("value");
      integers_.value(*count.value, Reg::R0);
      if (metric.plan.value.kind == plan::MetricKind::Counter && count.value->type.is_signed) {
        refuse_negative(metric, end);
      }
      out_.store(Size::Double, kFrame, kValueSlot, Reg::R0);
    } else if (metric.plan.value.kind != plan::MetricKind::Counter) {
      out_.store_immediate(Size::Double, kFrame, kValueSlot, 1);
    }
    add(count, metric, !count.value);
  }

  /// A counter never falls: an event that would take from it is counted as lost.
  void refuse_negative(const plan::PlannedMetric& metric, Label end) {
    const Label fine = out_.new_label();
    out_.jump_if(Cond::SGe, Reg::R0, 0, fine);
    Rows(context_, metric.plan).count_lost(plan::LostReason::NegativeValue);
    out_.jump(end);
    out_.place(fine);
  }

  void add(const plan::Count& count, const plan::PlannedMetric& metric, bool one) {
    if (metric.plan.key.size > 0) {
      write_key(context_, integers_, metric.plan.key, count.labels);
    }
    Rows(context_, metric.plan).find();
    Updates(context_, metric.plan).update(one);
  }

  void pair_end(const plan::PairEnd& pair, const plan::PlannedMetric& metric, Label end) {
    Pairs pairs(context_, integers_, metric);
    pairs.find(*pair.key, end);
    if (pair.filter) {
      const Label counted = out_.new_label();
      out_.comment("filter");
      integers_.branch(*pair.filter, counted, true);
      pairs.take(end);
      out_.jump(end);
      out_.place(counted);
    }
    if (metric.plan.key.size > 0) {
      write_key(context_, integers_, metric.plan.key, pair.count.labels);
    }
    pairs.take(end);
    Rows(context_, metric.plan).find();
    Updates(context_, metric.plan).update(false);
  }

  Context& context_;
  assembler::Program& out_;
  Integers integers_;
  const std::vector<plan::PlannedMetric>& metrics_;
};

/// The current task is loaded once a program when several expressions need it and no dispatch would make that a waste.
bool wants_task(const plan::ProgramPlan& program) {
  std::size_t uses = 0;
  for (const plan::Unit& unit : program.units) {
    if (unit.dispatch) {
      return false;
    }
    uses += task_uses(unit);
  }
  return uses > 1;
}

}  // namespace

Result<assembler::Program> generate(const plan::ProgramPlan& program, const std::vector<plan::PlannedMetric>& metrics,
                                    const kernel::Features& features) {
  assembler::Program out;
  Context context{out, features, false, std::nullopt};
  out.comment(program.point.text());
  out.move(kContext, Reg::R1);
  if (wants_task(program)) {
    load_task(context);
  }
  Generator generator(context, metrics);
  for (const plan::Unit& unit : program.units) {
    generator.unit(unit);
  }
  out.comment("done");
  out.load_immediate(Reg::R0, 0);
  out.exit();
  if (context.error) {
    return fail(std::move(*context.error));
  }
  out.drop_unreachable();
  return out;
}

}  // namespace tpx::codegen
