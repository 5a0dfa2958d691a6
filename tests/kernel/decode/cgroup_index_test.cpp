// Cgroup ids of the running kernel: what bpf_get_current_cgroup_id() reports is the inode number of the group.

#include "decode/cgroup_index.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/file.h"
#include "catch.h"
#include "decode/cgroup_mount.h"

using namespace tpx;
using namespace tpx::decode;

namespace {

std::string mounted_root() {
  return cgroup_root(read_file("/proc/self/mounts").value_or(""), "/sys/fs/cgroup");
}

/// A cgroup for the time of a test.
class Group {
 public:
  Group() : name_("/tpx-test-" + std::to_string(::getpid())), path_(mounted_root() + name_) {
    REQUIRE(::mkdir(path_.c_str(), 0755) == 0);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() { remove(); }

  void remove() const { ::rmdir(path_.c_str()); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t id() const {
    struct stat status{};
    REQUIRE(::stat(path_.c_str(), &status) == 0);
    return status.st_ino;
  }

 private:
  std::string name_;
  std::string path_;
};

}  // namespace

TEST_CASE("the kernel opens a cgroup by its id, without a walk") {
  const Group group;
  CgroupIndex index(mounted_root());
  REQUIRE(index.path(1) == "/");
  REQUIRE(index.path(group.id()) == group.name());
  REQUIRE(index.walks() == 0);
}

TEST_CASE("a group made and removed after the start keeps the path it was asked for, and another one has none") {
  CgroupIndex index(mounted_root());
  std::uint64_t asked = 0;
  std::uint64_t unasked = 0;
  std::string name;
  {
    const Group group;
    asked = group.id();
    name = group.name();
    REQUIRE(index.path(asked) == name);
    group.remove();
    const Group second;
    unasked = second.id();
  }
  REQUIRE(asked != unasked);
  REQUIRE(index.path(asked) == name);
  REQUIRE_FALSE(index.path(unasked));
  REQUIRE(index.walks() == 0);
}

TEST_CASE("a walk finds the same ids as handles do") {
  const Group group;
  // A procfs that is not there takes away the way from a handle to its path.
  CgroupIndex index(mounted_root(), "/nonexistent");
  REQUIRE(index.path(group.id()) == group.name());
  REQUIRE(index.walks() == 1);
  REQUIRE(index.path(1) == "/");
}
