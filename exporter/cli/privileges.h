#pragma once

#include <string>

#include "base/error.h"

namespace tpx::cli {

/// Makes sure that no program that this process might be made to run has more rights than it: sets no_new_privs, and empties
/// the bounding, inheritable and ambient sets. For the calling thread and those that it makes later: call it before any is
/// made. Best effort: without CAP_SETPCAP the bounding set stays.
void forbid_new_privileges();

/// Gives up every capability that neither scrapes nor reloads need. Keeps CAP_BPF and CAP_PERFMON; CAP_DAC_READ_SEARCH for
/// tracefs and cgroups; CAP_SYS_ADMIN only where kernel.perf_event_paranoid above 2 asks for it to open perf events (Debian's
/// patch); CAP_NET_BIND_SERVICE if `low_ports` are still to be listened on. Affects the calling thread and those it makes
/// later: to be called before any is made. `procfs` is where the setting is read.
[[nodiscard]] Result<void> drop_privileges(const std::string& procfs, bool low_ports);

/// Gives up every capability of the calling thread alone, for threads that need none and are made before
/// drop_privileges(). Best effort.
void drop_all_capabilities();

/// What to do about a thread that could not be made.
inline constexpr const char* kThreadsHint = "raise the limit of threads: TasksMax= of systemd, pids.max, ulimit -u";

}  // namespace tpx::cli
