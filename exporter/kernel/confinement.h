#pragma once

#include <cstdint>
#include <string>

namespace tpx::kernel {

/// The restrictions of this process that decide whether it may load programs and open perf events. A plain value.
struct Confinement {
  std::uint64_t capabilities = 0;     ///< effective, one bit each (CAP_BPF = 39)
  bool seccomp_filter = false;        ///< a seccomp filter is active
  int perf_event_paranoid = 2;        ///< 3 and 4 (Debian, Ubuntu): perf events require CAP_SYS_ADMIN
  std::string lockdown = {};          ///< none, integrity or confidentiality; "" if unknown
  std::uint64_t open_files = 0;       ///< soft limit of file descriptors
  std::uint64_t most_open_files = 0;  ///< hard limit
  bool container = false;             ///< of Docker, Podman, systemd-nspawn or a Kubernetes pod

  [[nodiscard]] bool has(unsigned capability) const { return (capabilities >> capability & 1U) != 0; }
};

/// The restrictions of this process. A value that can't be read keeps its default.
[[nodiscard]] Confinement confinement(const std::string& procfs = "/proc", const std::string& sysfs = "/sys");

// What to do when the kernel refuses with this errno; "" if no restriction of the process explains it.

/// For bpf(): loading a program, creating a map.
[[nodiscard]] std::string advice_for_bpf(const Confinement& around, int code);
/// For perf_event_open() on a tracepoint.
[[nodiscard]] std::string advice_for_perf(const Confinement& around, int code);
/// For a tracefs that can't be read or is empty.
[[nodiscard]] std::string advice_for_tracefs(const Confinement& around);
/// For a tracefs that is missing.
[[nodiscard]] std::string advice_for_mount(const Confinement& around);

/// Raises the soft limit of open files to the hard one, which needs no privilege: each program, map and attachment is one.
void raise_open_files();

}  // namespace tpx::kernel
