#include "plan/sites.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "expression/ast.h"
#include "kernel/syscalls.h"
#include "typed/bind.h"
#include "typed/field_table.h"
#include "typed/mapped_names.h"

namespace tpx::plan {

namespace {

constexpr std::string_view kEnter = "sys_enter_";
constexpr std::string_view kExit = "sys_exit_";

constexpr std::string_view kExact = "this kernel skips events while a task is preempted inside a tp_btf program";
constexpr std::string_view kSkips =
    "; this kernel skips events of other tasks while one is preempted inside the program, and counts them as lost "
    "(reason \"recursion\")";

/// Tracepoints that fire with preemption off, so that no other task runs inside of their program: in interrupts, with
/// softirqs off, or under a spinlock. With PREEMPT_RT only those under a raw spinlock.
bool fires_unpreempted(std::string_view name, bool realtime) {
  constexpr std::array<std::string_view, 6> kAlways{"sched_switch", "sched_wak",        "sched_migrate_task",
                                                    "sched_stat_",  "sched_pi_setprio", "local_timer_"};
  constexpr std::array<std::string_view, 9> kNotRealtime{
      "irq_handler_", "softirq_", "timer_", "hrtimer_", "tick_", "napi_", "signal_", "netif_receive_skb", "net_dev_"};
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  return std::ranges::any_of(kAlways, starts) || (!realtime && std::ranges::any_of(kNotRealtime, starts));
}

class Finder {
 public:
  Finder(const std::string& metric, const kernel::Kernel& kernel, const Options& options)
      : kernel_(kernel), options_(options), probe_reads_(options.probe_reads.contains(metric)) {}

  Result<Tracepoint> raw(const std::string& name) const {
    if (!kernel_.btf) {
      return fail("raw_tracepoint needs the kernel's type information (BTF), which this kernel does not offer",
                  "use a kernel with CONFIG_DEBUG_INFO_BTF, or tracepoint: in place of raw_tracepoint:");
    }
    auto arguments = kernel_.btf->tracepoint(name);
    if (!arguments) {
      const auto slash = name.rfind('/');
      std::string hint =
          did_you_mean(slash == std::string::npos ? name : name.substr(slash + 1), kernel_.btf->tracepoints());
      return fail("raw tracepoint " + name + " not found", hint);
    }
    Tracepoint result{name, nullptr, {}};
    result.sites.push_back({{AttachType::TpBtf, {}, name, kernel_.btf->tracepoint_id(name).value_or(0)},
                            std::make_shared<const typed::RawNames>(raw_event(name, std::move(*arguments))),
                            std::nullopt,
                            "arguments typed by BTF"});
    if (!kernel_.features.tp_btf_exact && !fires_unpreempted(name, kernel_.features.realtime)) {
      result.sites.front().reason += kSkips;
    }
    return result;
  }

  Result<Tracepoint> classic(const std::string& full_name) const {
    auto format = kernel_.tracefs.format(full_name);
    if (!format) {
      return fail(std::move(format.error()));
    }
    Tracepoint result{full_name, std::make_shared<const kernel::Format>(std::move(*format)), {}};
    if (options_.force_attach != AttachType::Classic) {
      add_tp_btf(result);
    }
    if (options_.force_attach != AttachType::TpBtf) {
      add_classic(result);
    }
    if (!options_.force_attach && !result.sites.empty()) {
      prefer_exact(result);
    }
    if (result.sites.empty()) {
      return fail(full_name + " can't be attached by its raw arguments", "don't force the attach type");
    }
    return result;
  }

 private:
  typed::Event raw_event(const std::string& name, std::vector<kernel::Btf::Argument> arguments) const {
    typed::Event event{name};
    event.btf = &*kernel_.btf;
    event.arguments = std::move(arguments);
    event.probe_reads = probe_reads_;
    event.current_task_btf = kernel_.features.current_task_btf;
    return event;
  }

  void add_tp_btf(Tracepoint& tracepoint) const {
    if (!kernel_.btf || !kernel_.features.tp_btf) {
      return;
    }
    const kernel::Format& format = *tracepoint.format;
    const bool syscall = format.category == "syscalls";
    const bool enter = format.name.starts_with(kEnter);
    const std::string raw_name = !syscall ? format.name : enter ? "sys_enter" : "sys_exit";
    auto arguments = kernel_.btf->tracepoint(format.category == "raw_syscalls" ? format.name : raw_name);
    if (!arguments) {
      return;
    }
    typed::Event event = raw_event(tracepoint.name, std::move(*arguments));
    Site site;
    site.point = {AttachType::TpBtf, {}, raw_name, kernel_.btf->tracepoint_id(raw_name).value_or(0)};
    site.reason = "all fields it reads are available from the tracepoint's arguments";
    if (syscall) {
      site.dispatch = dispatch(format.name, enter, typed::RawNames(event));
      if (!site.dispatch) {
        return;
      }
      site.reason += "; one program serves all syscalls";
    }
    event.format = tracepoint.format;
    event.syscall = syscall;
    site.names = std::make_shared<const typed::MappedNames>(event);
    tracepoint.sites.push_back(std::move(site));
  }

  std::optional<SyscallDispatch> dispatch(const std::string& event, bool enter, const typed::RawNames& raw) const {
    const auto prefix = enter ? kEnter : kExit;
    const auto number = kernel::syscall_number_of_event(std::string_view(event).substr(prefix.size()));
    const std::string_view text = enter ? "args.id" : typed::syscall_number_at_exit();
    if (!number || text.empty()) {
      return std::nullopt;
    }
    auto node = expression::parse(text, {});
    auto bound = node ? typed::bind(**node, raw) : Result<TypedExprPtr>(fail("no row"));
    if (!bound) {
      return std::nullopt;
    }
    TypedExprPtr compat = kernel_.features.current_task_btf ? typed::compat_call(*kernel_.btf) : nullptr;
    if (!compat && !kernel_.features.current_task_btf) {
      return std::nullopt;
    }
    return SyscallDispatch{*bound, std::move(compat), {*number}, {0}};
  }

  typed::Event record_event(const Tracepoint& tracepoint) const {
    typed::Event event{tracepoint.name, tracepoint.format};
    event.syscall = tracepoint.format->category == "syscalls";
    event.btf = kernel_.btf ? &*kernel_.btf : nullptr;
    event.current_task_btf = kernel_.features.current_task_btf;
    return event;
  }

  void add_classic(Tracepoint& tracepoint) const {
    const kernel::Format& format = *tracepoint.format;
    Site site;
    site.point = {AttachType::Classic, format.category, format.name, format.id};
    site.names = std::make_shared<const typed::RecordNames>(record_event(tracepoint));
    site.reason = options_.force_attach      ? "forced"
                  : !kernel_.btf             ? "this kernel has no BTF"
                  : !kernel_.features.tp_btf ? "this kernel does not load tp_btf programs"
                  : tracepoint.sites.empty() ? "this kernel has no BTF types for the tracepoint's arguments"
                                             : "it reads a field that exists only in the tracepoint's record";
    tracepoint.sites.push_back(std::move(site));
  }

  /// Where tp_btf programs miss events (Features::tp_btf_exact): the ways that miss none come first. The kernel runs the
  /// programs of perf events with preemption off, but not those of syscalls/*: raw_syscalls serves in their place.
  void prefer_exact(Tracepoint& tracepoint) const {
    const kernel::Format& format = *tracepoint.format;
    if (kernel_.features.tp_btf_exact || fires_unpreempted(format.name, kernel_.features.realtime)) {
      return;
    }
    for (Site& site : tracepoint.sites) {
      site.reason += site.point.type == AttachType::TpBtf ? kSkips : "";
    }
    if (!kernel_.features.classic_tracepoint) {
      return;
    }
    if (format.category == "syscalls") {
      if (auto site = classic_of_all_calls(tracepoint)) {
        tracepoint.sites.insert(tracepoint.sites.begin(), std::move(*site));
      }
    } else if (tracepoint.sites.front().point.type == AttachType::TpBtf && tracepoint.sites.size() > 1) {
      std::swap(tracepoint.sites[0], tracepoint.sites[1]);
      tracepoint.sites.front().reason = kExact;
    }
  }

  /// The classic program of raw_syscalls/sys_enter or sys_exit, for one call.
  std::optional<Site> classic_of_all_calls(const Tracepoint& tracepoint) const {
    const kernel::Format& format = *tracepoint.format;
    const bool enter = format.name.starts_with(kEnter);
    const auto number =
        kernel::syscall_number_of_event(std::string_view(format.name).substr(enter ? kEnter.size() : kExit.size()));
    auto record = kernel_.tracefs.format("raw_syscalls", enter ? "sys_enter" : "sys_exit");
    const kernel::Field* id = record ? record->find("id") : nullptr;
    TypedExprPtr compat = kernel_.btf && kernel_.features.current_task_btf ? typed::compat_call(*kernel_.btf) : nullptr;
    if (!number || id == nullptr || id->size != 8 || !compat) {
      return std::nullopt;
    }
    Site site;
    site.point = {AttachType::Classic, record->category, record->name, record->id};
    site.dispatch = SyscallDispatch{
        typed::make_typed(typed::ContextLoad{id->offset, 8, true}, {schema::ValueType::Kind::Integer, 8, true}),
        std::move(compat),
        {*number},
        {0}};
    site.names = std::make_shared<const typed::RecordNames>(record_event(tracepoint),
                                                            std::make_shared<const kernel::Format>(std::move(*record)));
    site.reason = std::string(kExact) + "; one program serves all syscalls";
    return site;
  }

  const kernel::Kernel& kernel_;
  const Options& options_;
  bool probe_reads_;
};

}  // namespace

Tracepoints find_tracepoints(const config::Events& events, const std::string& metric, const kernel::Kernel& kernel,
                             const Options& options) {
  const Finder finder(metric, kernel, options);
  Tracepoints result;
  const auto add = [&](Result<Tracepoint> tracepoint, const SourceLocation& at) {
    if (!tracepoint) {
      result.missing.push_back(std::move(tracepoint.error()).at(at));
      return;
    }
    const bool known = std::any_of(result.found.begin(), result.found.end(),
                                   [&](const Tracepoint& other) { return other.name == tracepoint->name; });
    if (!known) {
      result.found.push_back(std::move(*tracepoint));
    }
  };
  for (const config::Text& name : events.names) {
    if (events.kind == config::Events::Kind::RawTracepoint) {
      add(finder.raw(name.value), name.at);
      continue;
    }
    // An exact name needs no walk through all events; one that is not there gets its hint from match().
    if (name.value.find_first_of("*?") == std::string::npos) {
      if (auto exact = finder.classic(name.value)) {
        add(std::move(exact), name.at);
        continue;
      }
    }
    auto matched = kernel.tracefs.match(name.value);
    if (!matched) {
      result.missing.push_back(std::move(matched.error()).at(name.at));
      continue;
    }
    if (matched->empty()) {
      result.missing.push_back(Error{"no tracepoint matches " + name.value,
                                     "list what there is: tracepoint_exporter list '" + name.value + "'", name.at});
    }
    for (const std::string& full_name : *matched) {
      add(finder.classic(full_name), name.at);
    }
  }
  return result;
}

}  // namespace tpx::plan
