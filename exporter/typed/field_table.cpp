#include "typed/field_table.h"

#include <array>

#include "typed/bind.h"
#include "typed/compute.h"
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

// What sched_switch reports as prev_state (__trace_sched_switch_state and __task_state_index of include/linux/sched.h):
// 256 when preempted, else the highest bit of state | exit_state within TASK_REPORT, with idle and lock-waiting tasks
// shown as states of their own. Rows: with prev_state as an argument (5.18), before it (`__state` from 5.14, `state`).
#define TPX_PREV_STATE(STATE)                                                \
  "if(args.preempt, 0x100, if((" STATE " & 0x402) == 0x402, 0x80, if(" STATE \
  " & 0x9000, 2, "                                                           \
  "highest_bit((" STATE " | args.prev->exit_state) & 0x7f))))"

constexpr std::array kRows{
    // ---- the scheduler
    FieldRow{"sched/sched_switch", "prev_comm", "args.prev->comm"},
    FieldRow{"sched/sched_switch", "prev_pid", "args.prev->pid"},
    FieldRow{"sched/sched_switch", "prev_prio", "args.prev->prio"},
    FieldRow{"sched/sched_switch", "prev_state", TPX_PREV_STATE("args.prev_state")},
    FieldRow{"sched/sched_switch", "prev_state", TPX_PREV_STATE("args.prev->__state")},
    FieldRow{"sched/sched_switch", "prev_state", TPX_PREV_STATE("args.prev->state")},
    FieldRow{"sched/sched_switch", "next_comm", "args.next->comm"},
    FieldRow{"sched/sched_switch", "next_pid", "args.next->pid"},
    FieldRow{"sched/sched_switch", "next_prio", "args.next->prio"},

    FieldRow{"sched/sched_waking", "comm", "args.p->comm"},
    FieldRow{"sched/sched_waking", "pid", "args.p->pid"},
    FieldRow{"sched/sched_waking", "prio", "args.p->prio"},
    FieldRow{"sched/sched_waking", "target_cpu", "args.p->thread_info.cpu"},
    FieldRow{"sched/sched_waking", "target_cpu", "args.p->cpu"},
    FieldRow{"sched/sched_wakeup*", "comm", "args.p->comm"},
    FieldRow{"sched/sched_wakeup*", "pid", "args.p->pid"},
    FieldRow{"sched/sched_wakeup*", "prio", "args.p->prio"},
    FieldRow{"sched/sched_wakeup*", "target_cpu", "args.p->thread_info.cpu"},
    FieldRow{"sched/sched_wakeup*", "target_cpu", "args.p->cpu"},

    // ---- interrupts
    FieldRow{"irq/softirq_*", "vec", "args.vec_nr"},
    FieldRow{"irq/irq_handler_entry", "irq", "args.irq"},
    FieldRow{"irq/irq_handler_entry", "name", "str(args.action->name, 71)"},
    FieldRow{"irq/irq_handler_exit", "irq", "args.irq"},
    FieldRow{"irq/irq_handler_exit", "ret", "args.ret"},

    // ---- the life of tasks
    FieldRow{"task/task_newtask", "pid", "args.task->pid"},
    FieldRow{"task/task_newtask", "comm", "args.task->comm"},
    FieldRow{"task/task_newtask", "clone_flags", "args.clone_flags"},
    FieldRow{"task/task_newtask", "oom_score_adj", "args.task->signal->oom_score_adj"},
    FieldRow{"sched/sched_process_fork", "parent_comm", "args.parent->comm"},
    FieldRow{"sched/sched_process_fork", "parent_pid", "args.parent->pid"},
    FieldRow{"sched/sched_process_fork", "child_comm", "args.child->comm"},
    FieldRow{"sched/sched_process_fork", "child_pid", "args.child->pid"},
    FieldRow{"sched/sched_process_exec", "filename", "str(args.bprm->filename, 71)"},
    FieldRow{"sched/sched_process_exec", "pid", "args.p->pid"},
    FieldRow{"sched/sched_process_exec", "old_pid", "args.old_pid"},
    FieldRow{"sched/sched_process_exit", "comm", "args.p->comm"},
    FieldRow{"sched/sched_process_exit", "pid", "args.p->pid"},
    FieldRow{"sched/sched_process_exit", "prio", "args.p->prio"},
    FieldRow{"sched/sched_process_exit", "group_dead", "args.group_dead"},
    FieldRow{"sched/sched_migrate_task", "comm", "args.p->comm"},
    FieldRow{"sched/sched_migrate_task", "pid", "args.p->pid"},
    FieldRow{"sched/sched_migrate_task", "prio", "args.p->prio"},
    FieldRow{"sched/sched_migrate_task", "orig_cpu", "args.p->thread_info.cpu"},
    FieldRow{"sched/sched_migrate_task", "orig_cpu", "args.p->cpu"},
    FieldRow{"sched/sched_migrate_task", "dest_cpu", "args.dest_cpu"},

    // ---- signals (errno and code of signal_generate depend on whether `info` is a pointer at all)
    FieldRow{"signal/signal_generate", "sig", "args.sig"},
    FieldRow{"signal/signal_generate", "comm", "args.task->comm"},
    FieldRow{"signal/signal_generate", "pid", "args.task->pid"},
    FieldRow{"signal/signal_generate", "group", "args.group"},
    FieldRow{"signal/signal_generate", "result", "args.result"},
    FieldRow{"signal/signal_deliver", "sig", "args.sig"},
    FieldRow{"signal/signal_deliver", "sa_handler", "args.ka->sa.sa_handler"},
    FieldRow{"signal/signal_deliver", "sa_flags", "args.ka->sa.sa_flags"},

    // ---- the network
    FieldRow{"net/netif_receive_skb", "skbaddr", "args.skb"},
    FieldRow{"net/netif_receive_skb", "len", "args.skb->len"},
    FieldRow{"net/netif_receive_skb", "name", "args.skb->dev->name"},
    FieldRow{"net/net_dev_queue", "skbaddr", "args.skb"},
    FieldRow{"net/net_dev_queue", "len", "args.skb->len"},
    FieldRow{"net/net_dev_queue", "name", "args.skb->dev->name"},
    FieldRow{"net/net_dev_xmit", "skbaddr", "args.skb"},
    FieldRow{"net/net_dev_xmit", "len", "args.skb_len"},
    FieldRow{"net/net_dev_xmit", "rc", "args.rc"},
    FieldRow{"net/net_dev_xmit", "name", "args.dev->name"},
    FieldRow{"tcp/tcp_retransmit_skb", "state", "args.sk->__sk_common.skc_state"},
    FieldRow{"tcp/tcp_retransmit_skb", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"skb/consume_skb", "skbaddr", "args.skb"},
    FieldRow{"skb/consume_skb", "location", "args.location"},
    FieldRow{"skb/kfree_skb", "skbaddr", "args.skb"},
    FieldRow{"skb/kfree_skb", "location", "args.location"},
    FieldRow{"skb/kfree_skb", "reason", "args.reason"},

    // ---- memory
    FieldRow{"kmem/mm_page_alloc", "order", "args.order"},
    FieldRow{"kmem/mm_page_alloc", "gfp_flags", "args.gfp_flags"},
    FieldRow{"kmem/mm_page_alloc", "migratetype", "args.migratetype"},
    FieldRow{"kmem/mm_page_free", "order", "args.order"},
    FieldRow{"kmem/kfree", "call_site", "args.call_site"},
    FieldRow{"kmem/kfree", "ptr", "args.ptr"},
    FieldRow{"kmem/kmem_cache_alloc", "call_site", "args.call_site"},
    FieldRow{"kmem/kmem_cache_alloc", "ptr", "args.ptr"},
    FieldRow{"kmem/kmem_cache_alloc", "gfp_flags", "args.gfp_flags"},

    // ---- timers
    FieldRow{"timer/hrtimer_start", "hrtimer", "args.hrtimer"},
    FieldRow{"timer/hrtimer_start", "function", "args.hrtimer->function"},
    FieldRow{"timer/hrtimer_start", "mode", "args.mode"},
    FieldRow{"timer/hrtimer_expire_entry", "hrtimer", "args.hrtimer"},
    FieldRow{"timer/hrtimer_expire_entry", "function", "args.hrtimer->function"},
    FieldRow{"timer/hrtimer_expire_exit", "hrtimer", "args.hrtimer"},
    FieldRow{"irq_vectors/local_timer_*", "vector", "args.vector"},

    // ---- system calls
    FieldRow{"raw_syscalls/sys_enter", "id", "args.id"},
    FieldRow{"raw_syscalls/sys_exit", "ret", "args.ret"},
#if defined(__x86_64__)
    FieldRow{"raw_syscalls/sys_exit", "id", "args.regs->orig_ax"},
#elif defined(__aarch64__)
    FieldRow{"raw_syscalls/sys_exit", "id", "args.regs->syscallno"},
#endif
};
#undef TPX_PREV_STATE

bool names_event(std::string_view pattern, std::string_view event) {
  return pattern.ends_with('*') ? event.starts_with(pattern.substr(0, pattern.size() - 1)) : event == pattern;
}

bool is_meant(const FieldRow& row, const kernel::Field& field, const kernel::Btf& btf) {
  return (row.bytes == 0 || row.bytes == field.size) &&
         (row.needs.empty() || btf.enumerator(std::string(row.needs)).has_value());
}

bool fits(const TypedExpr& bound, const kernel::Field& field) {
  if (field.is_string) {
    return bound.type.kind == schema::ValueType::Kind::String;
  }
  if (field.kind == kernel::Field::Kind::Array) {
    return bound.type.kind == schema::ValueType::Kind::Bytes && bound.type.size == field.size;
  }
  return bound.type.kind == schema::ValueType::Kind::Integer && field.kind == kernel::Field::Kind::Integer;
}

}  // namespace

std::span<const std::span<const FieldRow>> field_table() {
  static const std::array kTables{
      std::span<const FieldRow>(kRows), block_rows(), memory_rows(), network_rows(), storage_rows(), system_rows()};
  return kTables;
}

Result<TypedExprPtr> bind_field_row(const FieldRow& row, const kernel::Field& field, const RawNames& raw) {
  if (!is_meant(row, field, *raw.event().btf)) {
    return fail("the row is for another kernel's record");
  }
  const auto node = expression::parse(row.expression, {});
  if (!node) {
    return fail(node.error());
  }
  auto bound = bind(**node, raw);
  if (bound && !fits(**bound, field)) {
    return fail("the row gives another kind of value than the field");
  }
  const bool integer = bound && (*bound)->type.kind == schema::ValueType::Kind::Integer;
  return integer ? as_integer(*bound, {schema::ValueType::Kind::Integer, field.size, field.is_signed}) : bound;
}

Result<TypedExprPtr> map_field(const kernel::Field& field, const RawNames& raw) {
  for (const auto rows : field_table()) {
    for (const FieldRow& row : rows) {
      if (row.field == field.name && names_event(row.event, raw.event().name)) {
        if (auto bound = bind_field_row(row, field, raw)) {
          return bound;
        }
      }
    }
  }
  return fail("no row for " + raw.event().name + "." + field.name);
}

std::string_view syscall_argument(unsigned index) {
#if defined(__x86_64__)
  // The calling convention of system calls: arch/x86/include/asm/syscall.h, syscall_get_arguments().
  constexpr std::array<std::string_view, 6> kArguments{"args.regs->di",  "args.regs->si", "args.regs->dx",
                                                       "args.regs->r10", "args.regs->r8", "args.regs->r9"};
#elif defined(__aarch64__)
  // arch/arm64/include/asm/syscall.h: x0 is taken as it was at entry.
  constexpr std::array<std::string_view, 6> kArguments{"args.regs->orig_x0", "args.regs->regs[1]",
                                                       "args.regs->regs[2]", "args.regs->regs[3]",
                                                       "args.regs->regs[4]", "args.regs->regs[5]"};
#else
  constexpr std::array<std::string_view, 0> kArguments{};
#endif
  return index < kArguments.size() ? kArguments[index] : std::string_view{};
}

std::string_view syscall_number_at_exit() {
#if defined(__x86_64__)
  return "args.regs->orig_ax";
#elif defined(__aarch64__)
  return "args.regs->syscallno";
#else
  return {};
#endif
}

TypedExprPtr compat_call(const kernel::Btf& btf) {
  const auto task = btf.find_struct("task_struct");
  const auto thread_info = task ? btf.member(*task, "thread_info") : std::nullopt;
  if (!thread_info) {
    return nullptr;
  }
  const std::uint32_t info = btf.resolve(thread_info->type).id;
#if defined(__x86_64__)
  constexpr std::int64_t kMask = 0x0002;  // TS_COMPAT, arch/x86/include/asm/thread_info.h
  const auto member = btf.member(info, "status");
  const std::uint32_t size = 4;
#elif defined(__aarch64__)
  constexpr std::int64_t kMask = std::int64_t{1} << 22;  // TIF_32BIT, arch/arm64/include/asm/thread_info.h
  const auto member = btf.member(info, "flags");
  const std::uint32_t size = 8;
#else
  constexpr std::int64_t kMask = 0;
  const std::optional<kernel::Btf::Member> member;
  const std::uint32_t size = 8;
#endif
  if (!member) {
    return nullptr;
  }
  TypedExpr current{BuiltinValue{BuiltinValue::Kind::CurrentTask}, {schema::ValueType::Kind::Integer, 8, false}};
  current.pointee = *task;
  current.trusted = true;
  const std::uint32_t offset = (thread_info->bit_offset + member->bit_offset) / 8;
  const schema::ValueType type{schema::ValueType::Kind::Integer, size, false};
  const TypedExprPtr status = make_typed(
      MemoryLoad{std::make_shared<const TypedExpr>(std::move(current)), offset, size, false, true, 0, 0}, type);
  return make_typed(BinaryExpr{expression::BinaryOp::BitAnd, status, constant(kMask), false}, type);
}

}  // namespace tpx::typed
