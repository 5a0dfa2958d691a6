#pragma once

#include <cstdint>
#include <string>

namespace tpx::kernel {

/// Bytes that this process may use before the kernel reclaims or kills: the least of the machine's memory (MemTotal) and the
/// limits of its memory cgroup and of that one's ancestors, as far as they are visible (v2: memory.max, v1:
/// memory.limit_in_bytes). 0 when unknown. BPF maps are charged to the memory cgroup since Linux 5.11.
[[nodiscard]] std::uint64_t memory_limit(const std::string& procfs = "/proc", const std::string& sysfs = "/sys");

}  // namespace tpx::kernel
