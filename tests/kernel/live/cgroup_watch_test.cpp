// Groups that live for a moment: made and removed between two scrapes.

#include "live/cgroup_watch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>

#include "base/file.h"
#include "catch.h"
#include "decode/cgroup_mount.h"
#include "kernel/support/session.h"

namespace tpx::test {
namespace {

std::string mounted_root() {
  return decode::cgroup_root(read_file("/proc/self/mounts").value_or(""), "/sys/fs/cgroup");
}

TEST_CASE("a group that is gone before anybody asks has its path", "[kernel]") {
  constexpr int kGroups = 101;
  const auto index = std::make_shared<decode::CgroupIndex>(mounted_root());
  auto watch = live::CgroupWatch::start(index, this_kernel(), {});
  INFO((watch ? std::string() : watch.error().message));
  REQUIRE(watch.has_value());
  std::map<std::uint64_t, std::string> made;
  for (int i = 0; i < kGroups; ++i) {
    const std::string name = "/tpx-short-" + std::to_string(getpid()) + "-" + std::to_string(i);
    const std::string path = mounted_root() + name;
    REQUIRE(mkdir(path.c_str(), 0755) == 0);
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    made[status.st_ino] = name;
    REQUIRE(rmdir(path.c_str()) == 0);
  }
  // Asked too early, the index knows nothing; what it learns afterwards counts.
  CHECK_FALSE(index->path(made.begin()->first));
  (*watch)->learn();
  for (const auto& [id, name] : made) {
    CHECK(index->path(id) == name);
  }
  CHECK(index->walks() == 0);
}

TEST_CASE("a path that is longer than what is kept of it is not learnt", "[kernel]") {
  const auto index = std::make_shared<decode::CgroupIndex>(mounted_root());
  auto watch = live::CgroupWatch::start(index, this_kernel(), {});
  REQUIRE(watch.has_value());
  const std::string outer = mounted_root() + "/tpx-long-" + std::to_string(getpid());
  const std::string inner = outer + "/" + std::string(250, 'x');
  REQUIRE(mkdir(outer.c_str(), 0755) == 0);
  REQUIRE(mkdir(inner.c_str(), 0755) == 0);
  struct stat status{};
  REQUIRE(stat(inner.c_str(), &status) == 0);
  REQUIRE(rmdir(inner.c_str()) == 0);
  REQUIRE(rmdir(outer.c_str()) == 0);
  (*watch)->learn();
  CHECK_FALSE(index->path(status.st_ino));
}

}  // namespace
}  // namespace tpx::test
