#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernel/btf.h"
#include "kernel/features.h"
#include "kernel/tracefs.h"

namespace tpx::kernel {

/// What a kernel offers, as the pure modules see it: running or recorded. Immutable; cheap to copy.
struct Kernel {
  Tracefs tracefs;
  std::optional<Btf> btf;  ///< absent: no tp_btf, no raw_tracepoint
  Features features;
  unsigned possible_cpus = 1;  ///< per-CPU values have one slot for each
  bool recorded = false;
  /// False: this process may not load BPF programs, so that the features could not be probed. They are then those of the
  /// running release.
  bool may_load = true;
  unsigned online_cpus = 0;        ///< the highest number of a CPU that is online, plus one; 0: all possible ones
  std::uint64_t memory_bytes = 0;  ///< see memory_limit(); 0: unknown
};

/// Where to look; empty members mean the usual places.
struct Paths {
  std::string tracefs;  ///< empty: find or mount
  std::string btf = "/sys/kernel/btf/vmlinux";
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
};

/// The running kernel: tracefs, BTF (absence is not an error), probed features, possible CPUs.
[[nodiscard]] Result<Kernel> running_kernel(const Paths& paths);

/// A recorded one: `directory` holds `events/` and optionally `vmlinux.btf`.
[[nodiscard]] Result<Kernel> recorded_kernel(const std::string& directory, const Features& features);

/// /sys/devices/system/cpu/possible, or online, as a count: `0-3,8` → 9 (the highest number plus one).
[[nodiscard]] Result<unsigned> parse_possible_cpus(const std::string& text);

}  // namespace tpx::kernel
