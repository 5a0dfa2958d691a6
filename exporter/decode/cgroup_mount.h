#pragma once

#include <string>
#include <string_view>

namespace tpx::decode {

/// The directory of the hierarchy that cgroup ids are looked up in, of the file systems mounted at or below `cgroupfs`
/// (/sys/fs/cgroup), by the text of /proc/self/mounts:
///
/// 1. `cgroupfs` itself where it is a hierarchy: cgroup v2 alone, or one hierarchy of v1 that was asked for by its path;
/// 2. the cgroup v2 tree below it (systemd's hybrid mode: `unified`), the one that bpf_get_current_cgroup_id() and the
///    builtin `cgroup` speak of;
/// 3. of v1 hierarchies, the one that every container runtime uses first: systemd's, memory, cpu, pids, any other;
/// 4. `cgroupfs`, when nothing of that is mounted.
///
/// One hierarchy only: ids of different hierarchies overlap, so that looking in a second would give wrong names.
[[nodiscard]] std::string cgroup_root(std::string_view mounts, const std::string& cgroupfs);

struct CgroupVersions {
  bool first = false;
  bool second = false;
};

/// Which versions of cgroups are mounted anywhere, by the text of /proc/self/mounts.
[[nodiscard]] CgroupVersions cgroup_versions(std::string_view mounts);

}  // namespace tpx::decode
