#pragma once

namespace tpx {

/// The kernel's name of an error number, `ENOENT` for 2: also of those that stay inside the kernel and that sys_exit shows
/// before a call is restarted, such as ERESTARTSYS. Null for a number without a name.
[[nodiscard]] const char* errno_name(int code);

}  // namespace tpx
