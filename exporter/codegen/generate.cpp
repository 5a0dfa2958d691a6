#include "codegen/generate.h"

#include <linux/bpf.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "codegen/ending.h"
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
using typed::TypedExpr;

namespace {

/// How often an expression asks for the current task.
std::size_t task_uses(const TypedExpr* bound) {
  if (bound == nullptr) {
    return 0;
  }
  if (const auto* n = std::get_if<typed::BuiltinValue>(&bound->node)) {
    return n->kind == typed::BuiltinValue::Kind::CurrentTask ? 1 : 0;
  }
  std::size_t uses = 0;
  for (const TypedExpr* operand : typed::operands(*bound)) {
    uses += task_uses(operand);
  }
  return uses;
}

std::size_t task_uses(const plan::Count& count) {
  std::size_t uses = task_uses(count.value.get());
  for (const typed::TypedExprPtr& label : count.labels) {
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
    uses += task_uses(end.key.get()) + task_uses(end.filter.get()) + task_uses(end.end_filter.get()) +
            task_uses(end.restarts.get()) + task_uses(end.count);
  }
  return uses;
}

void load_task(Context& context) {
  context.out.comment("current task");
  if (context.task_argument) {
    context.out.load(Size::Double, kTask, kContext, std::int64_t{8} * *context.task_argument);
    context.task_loaded = true;
    return;
  }
  context.out.call(context.features.current_task_btf ? BPF_FUNC_get_current_task_btf : BPF_FUNC_get_current_task);
  context.out.move(kTask, Reg::R0);
  context.task_loaded = true;
}

/// Units that an event reaches on one condition alone, which is tested once for all of them.
using Block = std::vector<const plan::Unit*>;

std::string condition_of(const plan::Unit& unit) {
  std::string text = unit.filter ? typed::signature(*unit.filter) : "";
  if (unit.dispatch) {
    text += "#" + typed::signature(*unit.dispatch->number) +
            (unit.dispatch->compat ? "#" + typed::signature(*unit.dispatch->compat) : "");
    for (std::size_t i = 0; i < unit.dispatch->numbers.size(); ++i) {
      text += " " + std::to_string(unit.dispatch->numbers[i]) + ":" + std::to_string(unit.dispatch->indexes[i]);
    }
  }
  return text;
}

/// Counts without a condition come first: what they leave on the stack serves all that follow. Pairs are blocks of their
/// own and keep their order.
std::vector<Block> blocks_of(const plan::ProgramPlan& program) {
  std::vector<Block> blocks;
  std::map<std::string, std::size_t> known;
  for (const bool conditional : {false, true}) {
    for (const plan::Unit& unit : program.units) {
      const std::string condition = condition_of(unit);
      if (!std::holds_alternative<plan::Count>(unit.action) || condition.empty() == conditional) {
        continue;
      }
      const auto [found, is_new] = known.emplace(condition, blocks.size());
      if (is_new) {
        blocks.emplace_back();
      }
      blocks[found->second].push_back(&unit);
    }
  }
  for (const plan::Unit& unit : program.units) {
    if (!std::holds_alternative<plan::Count>(unit.action)) {
      blocks.push_back({&unit});
    }
  }
  return blocks;
}

class Generator {
 public:
  Generator(Context& context, const std::vector<plan::PlannedMetric>& metrics)
      : context_(context), out_(context.out), integers_(context), metrics_(metrics) {}

  void block(const Block& units) {
    const plan::Unit& first = *units.front();
    const Label end = out_.new_label();
    out_.comment("metric " + metrics_[first.metric].plan.name);
    const std::string key = context_.key;
    const bool hashed = context_.key_hashed;
    context_.metrics.clear();
    for (const plan::Unit* unit : units) {
      context_.metrics.push_back(&metrics_[unit->metric].plan);
    }
    if (first.dispatch) {
      dispatch(*first.dispatch, end);
    }
    const std::size_t uses =
        std::accumulate(units.begin(), units.end(), std::size_t{0},
                        [](std::size_t sum, const plan::Unit* unit) { return sum + task_uses(*unit); });
    const bool own_task = !context_.task_loaded && uses > 1;
    if (own_task) {
      load_task(context_);
    }
    if (first.dispatch && first.dispatch->compat) {
      out_.comment("32-bit calls have numbers of their own");
      integers_.branch(*first.dispatch->compat, end, true);
    }
    if (first.filter) {
      out_.comment("filter");
      integers_.branch(*first.filter, end, false);
    }
    for (const plan::Unit* unit : units) {
      if (unit != &first) {
        out_.comment("metric " + metrics_[unit->metric].plan.name);
      }
      act(*unit, end);
    }
    out_.place(end);
    context_.task_loaded = context_.task_loaded && !own_task;
    forget_key_unless(!condition_of(first).empty(), key, hashed);
  }

 private:
  /// Past a block that events may have jumped over, the stack holds what it held before only if the block left it so.
  void forget_key_unless(bool conditional, const std::string& before, bool hashed) {
    if (!conditional || (context_.key == before && context_.key_hashed == hashed)) {
      return;
    }
    context_.key_hashed = context_.key == before && hashed;
    context_.key = context_.key == before ? before : std::string();
  }

  void act(const plan::Unit& unit, Label end) {
    const plan::PlannedMetric& metric = metrics_[unit.metric];
    context_.metrics = {&metric.plan};
    if (const auto* count = std::get_if<plan::Count>(&unit.action)) {
      count_event(*count, metric);
      return;
    }
    // Pairs keep their starts where the key lies, and their owner in the hash's register.
    context_.key.clear();
    context_.key_hashed = false;
    if (const auto* start = std::get_if<plan::PairStart>(&unit.action)) {
      Pairs(context_, integers_, metric).start(*start);
    } else {
      pair_end(std::get<plan::PairEnd>(unit.action), metric, end);
    }
    context_.key.clear();
    context_.key_hashed = false;
  }

  struct Case {
    std::uint32_t number;
    std::uint32_t index;
  };

  /// Only the number's own test: the compat test wants the current task, which those that follow may, too.
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

  void count_event(const plan::Count& count, const plan::PlannedMetric& metric) {
    const Label end = out_.new_label();
    Rows rows(context_, metric.plan);
    if (metric.plan.key.size > 0) {
      write_key(context_, integers_, metric.plan.key, count.labels);
      rows.hash_key();
    }
    if (count.value) {
      out_.comment("value");
      integers_.value(*count.value, Reg::R0);
      if (metric.plan.value.kind == schema::MetricKind::Counter && count.value->type.is_signed) {
        refuse_negative(rows, end);
      }
      out_.store(Size::Double, kFrame, kValueSlot, Reg::R0);
    } else if (metric.plan.value.kind != schema::MetricKind::Counter) {
      out_.store_immediate(Size::Double, kFrame, kValueSlot, 1);
    }
    rows.find();
    Updates(context_, metric.plan).update(!count.value);
    out_.place(end);
  }

  /// A counter never falls: an event that would take from it is counted as lost.
  void refuse_negative(Rows& rows, Label end) {
    const Label fine = out_.new_label();
    out_.jump_if(Cond::SGe, Reg::R0, 0, fine);
    rows.count_lost(schema::LostReason::NegativeValue);
    out_.jump(end);
    out_.place(fine);
  }

  void pair_end(const plan::PairEnd& pair, const plan::PlannedMetric& metric, Label end) {
    Pairs pairs(context_, integers_, metric);
    pairs.find(pair, end);
    if (pair.end_filter) {
      const Label ends = out_.new_label();
      out_.comment("filter of the end");
      integers_.branch(*pair.end_filter, ends, true);
      if (pair.restarts) {
        out_.comment("the start of another pair?");
        integers_.branch(*pair.restarts, end, true);
      }
      end_uncounted(pairs, end);
      out_.place(ends);
    }
    if (pair.filter) {
      const Label counted = out_.new_label();
      out_.comment("filter");
      integers_.branch(*pair.filter, counted, true);
      end_uncounted(pairs, end);
      out_.place(counted);
    }
    if (metric.plan.key.size > 0) {
      write_key(context_, integers_, metric.plan.key, pair.count.labels);
    }
    pairs.take(end);
    Rows(context_, metric.plan).find();
    Updates(context_, metric.plan).update(false);
  }

  void end_uncounted(Pairs& pairs, Label end) {
    pairs.take(end);
    out_.jump(end);
  }

  Context& context_;
  assembler::Program& out_;
  Integers integers_;
  const std::vector<plan::PlannedMetric>& metrics_;
};

/// The current task is loaded once a program when several expressions need it and no dispatch would make that a waste, or
/// when it is an argument, which costs nothing.
bool wants_task(const plan::ProgramPlan& program) {
  std::size_t uses = 0;
  for (const plan::Unit& unit : program.units) {
    if (unit.dispatch) {
      return false;
    }
    uses += task_uses(unit);
  }
  return uses > (program.task_argument ? 0 : 1);
}

}  // namespace

Result<assembler::Program> generate(const plan::ProgramPlan& program, const std::vector<plan::PlannedMetric>& metrics,
                                    const kernel::Features& features) {
  assembler::Program out;
  Context context{out, features};
  context.task_argument = program.task_argument;
  out.comment(program.point.text());
  out.move(kContext, Reg::R1);
  if (wants_task(program)) {
    load_task(context);
  }
  Generator generator(context, metrics);
  for (const Block& block : blocks_of(program)) {
    generator.block(block);
  }
  out.comment("done");
  end_program(out, program.point.type);
  if (context.error) {
    return fail(std::move(*context.error));
  }
  out.drop_unreachable();
  return out;
}

}  // namespace tpx::codegen
