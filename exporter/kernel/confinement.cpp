#include "kernel/confinement.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"

namespace tpx::kernel {
namespace {

constexpr const char* kGrant =
    "run as root, or grant the capabilities CAP_BPF and CAP_PERFMON: setcap cap_bpf,cap_perfmon+ep "
    "/path/to/tracepoint_exporter";

constexpr const char* kGrantContainer =
    "give the container the capabilities BPF and PERFMON (Kubernetes: securityContext.capabilities.add; Docker, "
    "Podman: "
    "--cap-add=bpf,perfmon)";
constexpr const char* kMountContainer =
    "mount the host's /sys/kernel/tracing into the container, read-only (Kubernetes: a hostPath volume; Docker, "
    "Podman: "
    "-v /sys/kernel/tracing:/sys/kernel/tracing:ro); if it is empty on the host: mount -t tracefs nodev "
    "/sys/kernel/tracing";

/// Whether a namespace of this process is the one that the machine has since its boot.
bool is_initial(const char* name, unsigned long inode) {
  struct stat about = {};
  return ::stat(name, &about) == 0 && about.st_ino == inode;
}

/// Kubernetes sets its variable in every pod. The runtimes leave the other signs, which a virtual machine made from a
/// container's image has too: there the namespaces are the initial ones (include/linux/proc_ns.h).
bool in_container() {
  if (::getenv("KUBERNETES_SERVICE_HOST") != nullptr) {
    return true;
  }
  const bool sign = ::getenv("container") != nullptr || ::access("/.dockerenv", F_OK) == 0 ||
                    ::access("/run/.containerenv", F_OK) == 0;
  return sign && !(is_initial("/proc/self/ns/pid", 0xEFFFFFFC) && is_initial("/proc/self/ns/cgroup", 0xEFFFFFFB));
}

/// The value of `Name:	value` in /proc/PID/status.
std::string_view status_value(std::string_view status, std::string_view name) {
  for (const std::string_view line : split(status, '\n')) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(":")) {
      return trim(line.substr(name.size() + 1));
    }
  }
  return {};
}

/// The one in brackets of `none [integrity] confidentiality`.
std::string chosen(std::string_view text) {
  const auto open = text.find('[');
  const auto close = text.find(']');
  return open < close && close != std::string_view::npos ? std::string(text.substr(open + 1, close - open - 1)) : "";
}

std::string too_many_files(const Confinement& around) {
  return "this process may open " + std::to_string(around.open_files) +
         " files, and each program, map and attachment is one: raise the limit (LimitNOFILE=65536 in the systemd unit, "
         "ulimit -n 65536 in a shell)";
}

std::string allow_in_seccomp(const std::string& call) {
  return "a seccomp filter forbids " + call +
         ": allow it in the profile of the container (Kubernetes: seccompProfile; Docker: --security-opt seccomp=FILE) "
         "or in SystemCallFilter= of the unit";
}

constexpr const char* kLeaveConfidentiality =
    "the kernel is locked down for confidentiality, which forbids this: boot with lockdown=integrity";

}  // namespace

Confinement confinement(const std::string& procfs, const std::string& sysfs) {
  Confinement around;
  if (const auto status = read_file(procfs + "/self/status")) {
    const std::string_view effective = status_value(*status, "CapEff");
    std::from_chars(effective.data(), effective.data() + effective.size(), around.capabilities, 16);
    around.seccomp_filter = status_value(*status, "Seccomp") == "2";
  }
  if (const auto paranoid = read_file(procfs + "/sys/kernel/perf_event_paranoid")) {
    around.perf_event_paranoid = std::atoi(paranoid->c_str());
  }
  if (const auto lockdown = read_file(sysfs + "/kernel/security/lockdown")) {
    around.lockdown = chosen(*lockdown);
  }
  around.container = in_container();
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    around.open_files = files.rlim_cur;
    around.most_open_files = files.rlim_max;
  }
  return around;
}

std::string advice_for_bpf(const Confinement& around, int code) {
  if (code == EMFILE) {
    return too_many_files(around);
  }
  if (code != EPERM && code != EACCES && code != ENOSYS) {
    return {};
  }
  if (code != ENOSYS && !around.has(CAP_SYS_ADMIN) && !(around.has(CAP_BPF) && around.has(CAP_PERFMON))) {
    return around.container ? kGrantContainer : kGrant;
  }
  if (around.seccomp_filter) {
    return allow_in_seccomp("bpf()");
  }
  if (around.lockdown == "confidentiality") {
    return kLeaveConfidentiality;
  }
  return code == ENOSYS ? "this kernel has no bpf(): it needs CONFIG_BPF_SYSCALL"
                        : "the capabilities are held: a security module or a user namespace forbids bpf(); see dmesg";
}

std::string advice_for_perf(const Confinement& around, int code) {
  if (code == EMFILE) {
    return too_many_files(around);
  }
  if (code != EPERM && code != EACCES) {
    return {};
  }
  const bool admin = around.has(CAP_SYS_ADMIN);
  if (!admin && around.perf_event_paranoid > 2) {
    return "kernel.perf_event_paranoid is " + std::to_string(around.perf_event_paranoid) +
           ", which requires CAP_SYS_ADMIN; with 2, CAP_PERFMON is enough: sysctl kernel.perf_event_paranoid=2";
  }
  if (!admin && !around.has(CAP_PERFMON)) {
    return "run as root, or grant CAP_PERFMON";
  }
  if (around.seccomp_filter) {
    return allow_in_seccomp("perf_event_open()");
  }
  if (around.lockdown == "confidentiality") {
    return kLeaveConfidentiality;
  }
  return "the capabilities are held: a security module or a user namespace forbids perf_event_open(); see dmesg";
}

std::string advice_for_tracefs(const Confinement& around) {
  return around.lockdown == "confidentiality" ? kLeaveConfidentiality : "";
}

std::string advice_for_mount(const Confinement& around) {
  if (const std::string advice = advice_for_tracefs(around); !advice.empty()) {
    return advice;
  }
  return around.container ? kMountContainer : "sudo mount -t tracefs nodev /sys/kernel/tracing";
}

void raise_open_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace tpx::kernel
