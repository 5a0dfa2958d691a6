#pragma once

#include <cstdint>

#include "base/error.h"

namespace tpx::cli {

/// What the exporter goes on doing.
enum class FileNames : std::uint8_t {
  Fixed,    ///< it names no files
  Replaced  ///< it renames files: loader::PinDirectory replaces its header
};

/// From now on, system calls that the exporter never makes fail with EPERM, in all threads: those that run programs, look into
/// other processes, change mounts, namespaces, users, times or files' names and owners, load kernel modules, and the like; and
/// all calls of another ABI (32-bit, x32). What it opens, reads and serves is not restricted. Needs no_new_privs. Fails where
/// the kernel has no seccomp filters.
[[nodiscard]] Result<void> forbid_system_calls(FileNames names);

/// Whether forbid_system_calls() can work here.
[[nodiscard]] bool may_filter_system_calls();

}  // namespace tpx::cli
