#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tpx::kernel {

/// Bytes that this process may use before the kernel reclaims or kills: the least of the machine's memory (MemTotal) and the
/// limits of its memory cgroup and of that one's ancestors, as far as they are visible (v2: memory.max, v1:
/// memory.limit_in_bytes). 0 when unknown. BPF maps are charged to the memory cgroup since Linux 5.11.
[[nodiscard]] std::uint64_t memory_limit(const std::string& procfs = "/proc", const std::string& sysfs = "/sys");

/// Threads that this machine may have at once: the lesser of kernel.threads-max and kernel.pid_max. None when unknown.
[[nodiscard]] std::optional<std::uint32_t> thread_limit(const std::string& procfs = "/proc");

}  // namespace tpx::kernel
