#include "decode/cgroup_mount.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace tpx::decode {
namespace {

struct Mount {
  std::string point;
  bool version_2 = false;
  std::vector<std::string> options;
};

/// Undoes the \040 escapes of mounts(5).
std::string unescape(std::string_view text) {
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) && octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<Mount> cgroup_mounts(std::string_view mounts, const std::string& below) {
  std::vector<Mount> found;
  for (const std::string_view line : split(mounts, '\n')) {
    const auto parts = split(line, ' ');
    if (parts.size() < 4 || (parts[2] != "cgroup" && parts[2] != "cgroup2")) {
      continue;
    }
    Mount mount{unescape(parts[1]), parts[2] == "cgroup2", {}};
    for (const std::string_view option : split(parts[3], ',')) {
      mount.options.emplace_back(option);
    }
    if (mount.point == below || mount.point.starts_with(below + "/")) {
      found.push_back(std::move(mount));
    }
  }
  return found;
}

/// Lower is better.
std::size_t rank(const Mount& mount, const std::string& cgroupfs) {
  if (mount.point == cgroupfs) {
    return 0;
  }
  if (mount.version_2) {
    return 1;
  }
  constexpr std::array<std::string_view, 4> kPreferred{"name=systemd", "memory", "cpu", "pids"};
  const auto best =
      std::find_first_of(kPreferred.begin(), kPreferred.end(), mount.options.begin(), mount.options.end());
  return 2 + static_cast<std::size_t>(best - kPreferred.begin());
}

}  // namespace

std::string cgroup_root(std::string_view mounts, const std::string& cgroupfs) {
  const std::vector<Mount> found = cgroup_mounts(mounts, cgroupfs);
  const auto best = std::min_element(found.begin(), found.end(), [&](const Mount& a, const Mount& b) {
    return rank(a, cgroupfs) < rank(b, cgroupfs);
  });
  return best == found.end() ? cgroupfs : best->point;
}

CgroupVersions cgroup_versions(std::string_view mounts) {
  CgroupVersions versions;
  for (const Mount& mount : cgroup_mounts(mounts, "")) {
    (mount.version_2 ? versions.second : versions.first) = true;
  }
  return versions;
}

}  // namespace tpx::decode
