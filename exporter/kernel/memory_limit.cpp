#include "kernel/memory_limit.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace tpx::kernel {
namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

/// `max`, as cgroup v2 says, is no limit.
std::uint64_t number_in(const std::string& path) {
  std::uint64_t value = kNone;
  if (const auto text = read_file(path)) {
    const std::string_view digits = trim(*text);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
  }
  return value;
}

/// The least limit of the cgroup and its ancestors.
std::uint64_t least_limit(const std::string& mount, std::string path, const std::string& file) {
  std::uint64_t least = kNone;
  while (true) {
    while (path.ends_with('/')) {
      path.pop_back();
    }
    least = std::min(least, number_in(mount + path + "/" + file));
    if (path.empty()) {
      return least;
    }
    path.resize(path.rfind('/') + 1);
  }
}

/// A line of /proc/PID/cgroup: `0::/PATH` of v2, `NUMBER:memory:/PATH` of v1 (cgroups(7)).
std::uint64_t limit_in(std::string_view line, const std::string& cgroupfs) {
  const auto parts = split(line, ':');
  if (parts.size() < 3 || !parts[2].starts_with('/')) {
    return kNone;
  }
  const std::string path(line.substr(static_cast<std::size_t>(parts[2].data() - line.data())));
  if (parts[1].empty()) {
    return least_limit(cgroupfs, path, "memory.max");
  }
  const auto controllers = split(parts[1], ',');
  const bool memory = std::find(controllers.begin(), controllers.end(), "memory") != controllers.end();
  return memory ? least_limit(cgroupfs + "/memory", path, "memory.limit_in_bytes") : kNone;
}

std::uint64_t machine_memory(const std::string& procfs) {
  constexpr std::string_view kName = "MemTotal:";
  const auto text = read_file(procfs + "/meminfo");
  for (const std::string_view line : split(text ? std::string_view(*text) : std::string_view(), '\n')) {
    if (line.starts_with(kName)) {
      const std::string_view digits = trim(line.substr(kName.size()));
      std::uint64_t kibibytes = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), kibibytes);
      return kibibytes << 10U;
    }
  }
  return 0;
}

}  // namespace

std::uint64_t memory_limit(const std::string& procfs, const std::string& sysfs) {
  std::uint64_t least = kNone;
  if (const auto text = read_file(procfs + "/self/cgroup")) {
    for (const std::string_view line : split(*text, '\n')) {
      least = std::min(least, limit_in(line, sysfs + "/fs/cgroup"));
    }
  }
  const std::uint64_t machine = machine_memory(procfs);
  return machine == 0 && least == kNone ? 0 : std::min(least, machine == 0 ? kNone : machine);
}

}  // namespace tpx::kernel
