#include "decode/cgroup_mount.h"

#include "catch.h"

using tpx::decode::cgroup_root;

TEST_CASE("cgroup v2 alone is its own root") {
  REQUIRE(cgroup_root("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "/sys/fs/cgroup") ==
          "/sys/fs/cgroup");
}

TEST_CASE("in hybrid mode the root is the v2 tree") {
  REQUIRE(cgroup_root("tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
                      "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n"
                      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
                      "/sys/fs/cgroup") == "/sys/fs/cgroup/unified");
}

TEST_CASE("of v1 hierarchies systemd's comes first, then memory") {
  REQUIRE(cgroup_root("cgroup /c/cpuset cgroup rw,cpuset 0 0\ncgroup /c/memory cgroup rw,memory 0 0\n"
                      "cgroup /c/systemd cgroup rw,xattr,name=systemd 0 0\n",
                      "/c") == "/c/systemd");
  REQUIRE(cgroup_root("cgroup /c/cpuset cgroup rw,cpuset 0 0\ncgroup /c/memory cgroup rw,memory 0 0\n", "/c") ==
          "/c/memory");
  REQUIRE(cgroup_root("cgroup /c/cpuset cgroup rw,cpuset 0 0\n", "/c") == "/c/cpuset");
}

TEST_CASE("a v1 hierarchy can be asked for by its path") {
  REQUIRE(cgroup_root("cgroup /c/memory cgroup rw,memory 0 0\ncgroup2 /c/unified cgroup2 rw 0 0\n", "/c/memory") ==
          "/c/memory");
}

TEST_CASE("mounts elsewhere and other file systems don't count") {
  REQUIRE(cgroup_root("cgroup2 /other cgroup2 rw 0 0\ncgroup2 /cgroups cgroup2 rw 0 0\ntmpfs /c tmpfs rw 0 0\nx\n",
                      "/c") == "/c");
  REQUIRE(cgroup_root("", "/c") == "/c");
}

TEST_CASE("escapes in mount points are undone") {
  REQUIRE(cgroup_root("cgroup2 /a\\040b/unified cgroup2 rw 0 0\n", "/a b") == "/a b/unified");
}
