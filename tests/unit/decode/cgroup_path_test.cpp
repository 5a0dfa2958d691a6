#include "catch.h"
#include "decode/cgroup_index.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("cgroup_path gives the path of a group by its id") {
  const test::Tree tree;
  tree.directory("/sys/fs/cgroup/user.slice/a");
  const auto decoder = test::make("cgroup_path", tree.environment());
  REQUIRE(decoder->decode(test::integer(test::inode(tree.path("/sys/fs/cgroup/user.slice/a")))).text ==
          "/user.slice/a");
  REQUIRE(decoder->decode(test::integer(test::inode(tree.path("/sys/fs/cgroup")))).text == "/");
  REQUIRE_FALSE(decoder->stable());
}

TEST_CASE("cgroup_path finds the v2 tree of hybrid mode through the mount table") {
  const test::Tree tree;
  tree.directory("/sys/fs/cgroup/unified/a");
  const std::string root = tree.path("/sys/fs/cgroup/unified");
  tree.file("/proc/self/mounts", "cgroup2 " + root + " cgroup2 rw 0 0\n");
  REQUIRE(test::make("cgroup_path", tree.environment())->decode(test::integer(test::inode(root + "/a"))).text == "/a");
}

TEST_CASE("cgroup_path puts all groups that are gone into one series") {
  const test::Tree tree;
  tree.directory("/sys/fs/cgroup");
  const auto decoder = test::make("cgroup_path", tree.environment());
  REQUIRE(decoder->decode(test::integer(1)).text == "unknown");
  REQUIRE(decoder->decode(test::integer(2)).text == "unknown");
  REQUIRE(decoder->decode(test::integer(0)).text == "unknown");
}

TEST_CASE("cgroup_path finds a new group after a refresh") {
  const test::Tree tree;
  tree.directory("/sys/fs/cgroup");
  const auto decoder = test::make("cgroup_path", tree.environment());
  REQUIRE(decoder->decode(test::integer(1)).text == "unknown");
  tree.directory("/sys/fs/cgroup/new");
  const auto id = test::inode(tree.path("/sys/fs/cgroup/new"));
  REQUIRE(decoder->decode(test::integer(id)).text == "unknown");
  decoder->refresh();
  REQUIRE(decoder->decode(test::integer(id)).text == "/new");
}

TEST_CASE("decoders share what an environment shares") {
  const test::Tree tree;
  tree.directory("/sys/fs/cgroup");
  const Environment environment = with_shared(tree.environment());
  environment.cgroups->learn(42, "/learnt\xff");
  REQUIRE(test::make("cgroup_path", environment)->decode(test::integer(42)).text == "/learnt\xef\xbf\xbd");
  REQUIRE(test::make("container", environment)->decode(test::integer(42)).text == "none");
}
