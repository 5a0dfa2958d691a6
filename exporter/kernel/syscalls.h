#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tpx::kernel {

/// The name of a system call by its number on this architecture (from <sys/syscall.h>, generated at build); nothing for an
/// unknown number.
[[nodiscard]] std::optional<std::string_view> syscall_name(std::uint64_t number);

/// The number of the call that tracepoints syscalls/sys_enter_NAME and sys_exit_NAME report. Their names are those of the
/// kernel's functions (`newstat`, `sendfile64`), which differ from the call's in a few cases. Nothing when unknown.
[[nodiscard]] std::optional<std::uint32_t> syscall_number_of_event(std::string_view name);

}  // namespace tpx::kernel
