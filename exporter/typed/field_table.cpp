#include "typed/field_table.h"

#include <array>
#include <charconv>

#include "base/text.h"
#include "typed/bind.h"
#include "typed/compute.h"
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

// What sched_switch reports as prev_state (__trace_sched_switch_state and __task_state_index of include/linux/sched.h):
// 256 when preempted, else the highest bit of state | exit_state within TASK_REPORT, with idle and lock-waiting tasks
// shown as states of their own. Rows: with prev_state as an argument (5.18), before it (`__state` from 5.14, `state`).
#define TPX_PREV_STATE(STATE)                                                             \
  "prev_state = if(args.preempt, 0x100, if((" STATE " & 0x402) == 0x402, 0x80, if(" STATE \
  " & 0x9000, 2, "                                                                        \
  "highest_bit((" STATE " | args.prev->exit_state) & 0x7f)))); "

constexpr FieldMappings kMappings[] = {
    // ---- the scheduler
    {"sched/sched_switch",
     "prev_comm = args.prev->comm; prev_pid = args.prev->pid; prev_prio = args.prev->prio; " TPX_PREV_STATE(
         "args.prev_state") TPX_PREV_STATE("args.prev->__state")
         TPX_PREV_STATE(
             "args.prev->state") "next_comm = args.next->comm; next_pid = args.next->pid; next_prio = args.next->prio"},
    {"sched/sched_waking sched/sched_wakeup*",
     "comm = args.p->comm; pid = args.p->pid; prio = args.p->prio; "
     "target_cpu = args.p->thread_info.cpu; target_cpu = args.p->cpu"},

    // ---- interrupts
    {"irq/softirq_*", "vec = args.vec_nr"},
    {"irq/irq_handler_entry", "irq; name = str(args.action->name, 71)"},
    {"irq/irq_handler_exit", "irq; ret"},

    // ---- the life of tasks
    {"task/task_newtask",
     "pid = args.task->pid; comm = args.task->comm; clone_flags; oom_score_adj = args.task->signal->oom_score_adj"},
    {"sched/sched_process_fork",
     "parent_comm = args.parent->comm; parent_pid = args.parent->pid; "
     "child_comm = args.child->comm; child_pid = args.child->pid"},
    {"sched/sched_process_exec", "filename = str(args.bprm->filename, 71); pid = args.p->pid; old_pid"},
    {"sched/sched_process_exit", "comm = args.p->comm; pid = args.p->pid; prio = args.p->prio; group_dead"},
    {"sched/sched_migrate_task",
     "comm = args.p->comm; pid = args.p->pid; prio = args.p->prio; "
     "orig_cpu = args.p->thread_info.cpu; orig_cpu = args.p->cpu; dest_cpu"},

    // ---- signals (errno and code of signal_generate depend on whether `info` is a pointer at all)
    {"signal/signal_generate", "sig; comm = args.task->comm; pid = args.task->pid; group; result"},
    {"signal/signal_deliver", "sig; sa_handler = args.ka->sa.sa_handler; sa_flags = args.ka->sa.sa_flags"},

    // ---- the network
    {"net/netif_receive_skb net/net_dev_queue", "skbaddr = args.skb; len = args.skb->len; name = args.skb->dev->name"},
    {"net/net_dev_xmit", "skbaddr = args.skb; len = args.skb_len; rc; name = args.dev->name"},
    {"tcp/tcp_retransmit_skb", "state = args.sk->__sk_common.skc_state; family = args.sk->__sk_common.skc_family"},
    {"skb/consume_skb", "skbaddr = args.skb; location"},
    {"skb/kfree_skb", "skbaddr = args.skb; location; reason"},

    // ---- memory
    {"kmem/mm_page_alloc", "order; gfp_flags; migratetype"},
    {"kmem/mm_page_free", "order"},
    {"kmem/kfree", "call_site; ptr"},
    {"kmem/kmem_cache_alloc", "call_site; ptr; gfp_flags"},

    // ---- timers
    {"timer/hrtimer_start", "hrtimer; function = args.hrtimer->function; mode"},
    {"timer/hrtimer_expire_entry", "hrtimer; function = args.hrtimer->function"},
    {"timer/hrtimer_expire_exit", "hrtimer"},
    {"irq_vectors/local_timer_*", "vector"},

    // ---- system calls
    {"raw_syscalls/sys_enter", "id"},
    {"raw_syscalls/sys_exit", "ret"},
#if defined(__x86_64__)
    {"raw_syscalls/sys_exit", "id = args.regs->orig_ax"},
#elif defined(__aarch64__)
    {"raw_syscalls/sys_exit", "id = args.regs->syscallno"},
#endif
};
#undef TPX_PREV_STATE

/// One row of FieldMappings::fields: `NAME[BYTES] @ENUMERATOR = EXPRESSION`.
FieldRow row_of(std::string_view event, std::string_view text) {
  constexpr std::string_view kIs = " = ";
  const auto is = text.find(kIs);
  std::string_view name = text.substr(0, is);
  FieldRow row{event, {}, {}, 0, {}};
  if (const auto at = name.find(" @"); at != std::string_view::npos) {
    row.needs = name.substr(at + 2);
    name = name.substr(0, at);
  }
  if (const auto bracket = name.find('['); bracket != std::string_view::npos) {
    std::from_chars(name.data() + bracket + 1, name.data() + name.size(), row.bytes);
    name = name.substr(0, bracket);
  }
  row.field = name;
  row.expression = is == std::string_view::npos ? "args." + std::string(name) : text.substr(is + kIs.size());
  return row;
}

std::vector<FieldRow> rows_of(std::span<const FieldMappings> mappings) {
  std::vector<FieldRow> rows;
  for (const FieldMappings& mapping : mappings) {
    for (const std::string_view event : split(mapping.events, ' ')) {
      for (const std::string_view part : split(mapping.fields, ';')) {
        if (const std::string_view text = trim(part); !text.empty()) {
          rows.push_back(row_of(event, text));
        }
      }
    }
  }
  return rows;
}

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

const std::vector<std::vector<FieldRow>>& field_table() {
  static const std::vector<std::vector<FieldRow>> kTables{rows_of(kMappings),      rows_of(block_rows()),
                                                          rows_of(memory_rows()),  rows_of(network_rows()),
                                                          rows_of(storage_rows()), rows_of(system_rows())};
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
  for (const auto& rows : field_table()) {
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
