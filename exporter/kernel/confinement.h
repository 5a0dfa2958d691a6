#pragma once

#include <cstdint>
#include <string>

namespace tpx::kernel {

/// What around this process decides whether the kernel lets it load programs and open perf events. A plain value.
struct Confinement {
  std::uint64_t capabilities = 0;     ///< effective, a bit each (CAP_BPF = 39)
  bool seccomp_filter = false;        ///< a seccomp filter is in force
  int perf_event_paranoid = 2;        ///< Debian and Ubuntu know 3 and 4: perf events ask for CAP_SYS_ADMIN
  std::string lockdown = {};          ///< none, integrity or confidentiality; "" where the kernel does not say
  std::uint64_t open_files = 0;       ///< the soft limit of descriptors
  std::uint64_t most_open_files = 0;  ///< its hard limit

  [[nodiscard]] bool has(unsigned capability) const { return (capabilities >> capability & 1U) != 0; }
};

/// This process'. What can't be read keeps its default.
[[nodiscard]] Confinement confinement(const std::string& procfs = "/proc", const std::string& sysfs = "/sys");

// The one thing to do about a refusal with this errno; "" when nothing around the process explains it.

/// Of bpf(): loading a program, creating a map.
[[nodiscard]] std::string advice_for_bpf(const Confinement& around, int code);
/// Of perf_event_open() on a tracepoint.
[[nodiscard]] std::string advice_for_perf(const Confinement& around, int code);
/// Of tracefs that is not there, empty or can't be mounted.
[[nodiscard]] std::string advice_for_tracefs(const Confinement& around);

/// Raises the soft limit of open files to the hard one, which needs no privilege: each program, map and attachment is one.
void raise_open_files();

}  // namespace tpx::kernel
