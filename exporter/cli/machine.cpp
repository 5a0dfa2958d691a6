#include "cli/machine.h"

#include <cap-ng.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "base/text.h"
#include "cli/system_calls.h"
#include "decode/cgroup_mount.h"
#include "kernel/confinement.h"
#include "loader/attach_slot.h"
#include "loader/pin_directory.h"

namespace tpx::cli {

namespace {

using State = Finding::State;

std::string setting(const kernel::Paths& paths, const std::string& name) {
  const auto text = read_file(paths.procfs + "/sys/" + name);
  return text ? std::string(trim(*text)) : std::string("unknown");
}

Finding kernel_release() {
  utsname name{};
  uname(&name);
  int major = 0;
  int minor = 0;
  const bool read = std::sscanf(name.release, "%d.%d", &major, &minor) == 2;
  const bool old = read && (major < 5 || (major == 5 && minor < 10));
  return {old ? State::Missing : State::Good, "kernel", std::string(name.release) + " " + name.machine,
          old ? "use Linux 5.10 or later" : ""};
}

Finding type_information(const kernel::Paths& paths) {
  const auto btf = kernel::Btf::open(paths.btf);
  if (btf) {
    return {State::Good, "BTF", paths.btf, ""};
  }
  return {
      State::Degraded, "BTF", "not there: " + btf.error().message,
      "use a kernel with CONFIG_DEBUG_INFO_BTF; without it raw_tracepoint is not available and all else attaches the "
      "classic way"};
}

Finding tracefs(const kernel::Paths& paths) {
  const auto found = paths.tracefs.empty() ? kernel::Tracefs::find_or_mount() : kernel::Tracefs::open(paths.tracefs);
  if (!found) {
    return {State::Missing, "tracefs", found.error().message, found.error().hint};
  }
  const auto events = found->events();
  if (!events) {
    return {State::Missing, "tracefs", events.error().message, events.error().hint};
  }
  return {State::Good, "tracefs",
          found->root() + ", " + std::to_string(events->size()) + " tracepoints" +
              (found->mounted_here() ? " (was not mounted; mounted now)" : ""),
          ""};
}

void capabilities(std::vector<Finding>& findings, const kernel::Paths& paths) {
  struct Capability {
    unsigned number;
    const char* name;
    const char* purpose;
    bool needed;
  };
  const std::string paranoid = setting(paths, "kernel/perf_event_paranoid");
  const bool admin = paranoid == "3" || paranoid == "4";
  const std::array capabilities{
      Capability{CAP_BPF, "CAP_BPF", "create maps, load programs", true},
      Capability{CAP_PERFMON, "CAP_PERFMON", "attach tracing programs", true},
      Capability{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "read tracefs without root", false},
      Capability{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "attach classic tracepoints here", admin}};
  capng_get_caps_process();
  for (const Capability& capability : capabilities) {
    const bool held = capng_have_capability(CAPNG_EFFECTIVE, capability.number) != 0;
    if (!held && !capability.needed) {
      continue;
    }
    findings.push_back(
        {held ? State::Good : State::Missing, capability.name,
         std::string(held ? "held, to " : "not held; needed to ") + capability.purpose,
         held ? "" : "run as root, or grant it to the service (AmbientCapabilities=) or the file (setcap)"});
  }
}

/// Each feature as probed, or as not known when programs may not be loaded.
void features(std::vector<Finding>& findings, const kernel::Features& features, bool probed) {
  struct Feature {
    bool there;
    const char* name;
    const char* without;
  };
  const std::array list{
      Feature{features.tp_btf, "tp_btf programs",
              "all metrics attach to classic tracepoints, which cost twice as much"},
      Feature{features.classic_tracepoint, "classic tracepoints", "fields that exist only in the record can't be read"},
      Feature{features.fetch_atomics, "BPF compare-and-swap", "labels are kept in per-CPU hashes (Linux 5.12)"},
      Feature{features.mmapable_array, "mmapable arrays", "nothing can be counted (Linux 5.5)"},
      Feature{features.ring_buffer, "BPF ring buffer", "the tracepoint command does not work (Linux 5.8)"},
      Feature{features.recursion_misses, "recursion misses",
              "events that classic programs miss are not counted (Linux 6.7): reason \"unknown\""},
      Feature{features.tp_btf_exact, "exact tp_btf",
              "the kernel skips tp_btf programs while a task is preempted inside one (Linux 7.0 and later): events of "
              "tasks and syscalls attach to classic tracepoints, which skip nothing"}};
  for (const Feature& feature : list) {
    if (!probed) {
      findings.push_back({State::Unknown, feature.name, "unknown: the test needs CAP_BPF and CAP_PERFMON", ""});
      continue;
    }
    findings.push_back({feature.there ? State::Good : State::Degraded, feature.name,
                        feature.there ? "available" : "not available", feature.there ? "" : feature.without});
  }
}

/// Whether bpf() can be called at all: capabilities that are held do not help against a seccomp filter.
Finding system_call(const kernel::Features& features, const kernel::Confinement& around) {
  if (features.mmapable_array) {
    return {State::Good, "bpf()", "permitted", ""};
  }
  return {State::Missing, "bpf()", "no map can be created: nothing can be counted",
          kernel::advice_for_bpf(around, EPERM)};
}

Finding open_files(const kernel::Confinement& around) {
  constexpr std::uint64_t kWanted = 1024;  // a configuration of some hundred metrics
  const bool few = around.most_open_files < kWanted;
  return {few ? State::Degraded : State::Good, "open files", std::to_string(around.most_open_files) + " at most",
          few ? kernel::advice_for_bpf(around, EMFILE) : ""};
}

Finding perf_events(const kernel::Confinement& around, const kernel::Features& features) {
  return {features.classic_tracepoint ? State::Good : State::Degraded, "perf events",
          "kernel.perf_event_paranoid = " + std::to_string(around.perf_event_paranoid),
          features.classic_tracepoint ? "" : kernel::advice_for_perf(around, EACCES)};
}

Finding system_call_filter() {
  const bool there = may_filter_system_calls();
  return {there ? State::Good : State::Degraded, "seccomp filters",
          there ? "available: serve forbids itself system calls that it never makes" : "not available",
          there ? "" : "serve runs without one"};
}

Finding memory_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const bool unlimited = limit.rlim_cur == RLIM_INFINITY;
  return {
      State::Good, "locked memory",
      unlimited ? "unlimited" : std::to_string(limit.rlim_cur >> 10U) + " KiB (counts for maps before Linux 5.11 only)",
      ""};
}

/// Whether a stub for the attach point can call what its slot holds; else why not.
std::string slot_refusal(const plan::AttachPoint& point) {
  const auto slot = loader::AttachSlot::make(point);
  return slot ? std::string() : std::string(plan::name(point.type)) + ": " + slot.error().message;
}

/// Whether metrics that do not change keep their counts over a reload.
Finding reload(const kernel::Btf* btf, bool probed) {
  if (!probed) {
    return {State::Unknown, "counts over reloads", "may not load programs", ""};
  }
  std::string refused = slot_refusal({plan::AttachType::Classic, "sched", "sched_switch", 0});
  if (const auto id = btf == nullptr ? std::nullopt : btf->tracepoint_id("sched_switch")) {
    const std::string typed = slot_refusal({plan::AttachType::TpBtf, "", "sched_switch", *id});
    refused += (refused.empty() || typed.empty() ? "" : "; ") + typed;
  }
  return refused.empty() ? Finding{State::Good, "counts over reloads", "kept", ""}
                         : Finding{State::Degraded, "counts over reloads",
                                   "kept only where a program does not change: " + refused, ""};
}

/// cgroup ids, and so the names of cgroups and containers, are those of cgroup v2.
Finding cgroups(const kernel::Paths& paths) {
  constexpr const char* kFix = "boot with systemd.unified_cgroup_hierarchy=1";
  const auto mounts = read_file(paths.procfs + "/self/mounts");
  const auto [first, second] = decode::cgroup_versions(mounts ? std::string_view(*mounts) : std::string_view());
  if (!second) {
    return {State::Degraded, "cgroups",
            "no cgroup v2 is mounted: cgroup_path(), container(), pod() and namespace() have no names", kFix};
  }
  if (first) {
    return {State::Degraded, "cgroups",
            "v1 and v2: cgroup_path(), container(), pod() and namespace() name those of v2; a cgroup of v1 alone reads "
            "as the root",
            kFix};
  }
  return {State::Good, "cgroups", "v2", ""};
}

/// Whether they can keep them over a restart.
Finding restart(const kernel::Paths& paths, const kernel::Features& features, bool probed) {
  const std::string directory = paths.sysfs + "/fs/bpf";
  constexpr const char* kWhat = "counts over restarts";
  if (!loader::is_bpf_filesystem(directory)) {
    return {State::Degraded, kWhat, "no BPF filesystem at " + directory, "mount -t bpf bpf " + directory};
  }
  if (probed && !features.perf_link) {
    return {
        State::Degraded, kWhat,
        "kept with --bpf.pin-path, but not on classic tracepoints (Linux 5.15), with retire_on_exit, or of BPF objects",
        ""};
  }
  return {State::Good, kWhat,
          "kept with --bpf.pin-path=" + directory +
              "/tracepoint_exporter; metrics with retire_on_exit or of BPF objects begin anew",
          ""};
}

}  // namespace

std::vector<Finding> examine_machine(const kernel::Paths& paths) {
  std::vector<Finding> findings{kernel_release(), type_information(paths), tracefs(paths)};
  capabilities(findings, paths);
  const auto btf = kernel::Btf::open(paths.btf);
  const bool probed = kernel::may_load_programs();
  const kernel::Features offered = probed ? kernel::probe_features(btf ? &*btf : nullptr) : kernel::Features{};
  const kernel::Confinement around = kernel::confinement(paths.procfs, paths.sysfs);
  findings.push_back(system_call(offered, around));
  features(findings, offered, probed);
  findings.push_back({State::Good, "unprivileged BPF",
                      "kernel.unprivileged_bpf_disabled = " + setting(paths, "kernel/unprivileged_bpf_disabled"), ""});
  findings.push_back(perf_events(around, offered));
  findings.push_back({State::Good, "lockdown", around.lockdown.empty() ? "none" : around.lockdown, ""});
  findings.push_back(open_files(around));
  findings.push_back(memory_limit());
  findings.push_back(cgroups(paths));
  findings.push_back(reload(btf ? &*btf : nullptr, probed));
  findings.push_back(restart(paths, offered, probed));
  findings.push_back(system_call_filter());
  return findings;
}

}  // namespace tpx::cli
