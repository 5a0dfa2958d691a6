#include "decode/cgroup_index.h"

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

TEST_CASE("ids resolve to paths below the mount") {
  const test::Tree tree;
  tree.directory("/system.slice/ssh.service");
  CgroupIndex index(tree.path());
  REQUIRE(index.path(test::inode(tree.path())) == "/");
  REQUIRE(index.path(test::inode(tree.path("/system.slice"))) == "/system.slice");
  REQUIRE(index.path(test::inode(tree.path("/system.slice/ssh.service"))) == "/system.slice/ssh.service");
  REQUIRE(index.walks() == 1);
}

TEST_CASE("a tree is walked at most once between two refreshes, and not again for ids that are gone") {
  const test::Tree tree;
  CgroupIndex index(tree.path());
  REQUIRE_FALSE(index.path(1));
  REQUIRE_FALSE(index.path(2));
  REQUIRE(index.walks() == 1);
  index.refresh();
  REQUIRE_FALSE(index.path(1));
  REQUIRE(index.walks() == 1);
  REQUIRE_FALSE(index.path(2));
  REQUIRE(index.walks() == 2);
}

TEST_CASE("a group made after the walk is found after the next refresh") {
  const test::Tree tree;
  CgroupIndex index(tree.path());
  REQUIRE(index.path(test::inode(tree.path())));
  tree.directory("/late");
  const std::uint64_t late = test::inode(tree.path("/late"));
  REQUIRE_FALSE(index.path(late));
  index.refresh();
  REQUIRE(index.path(late) == "/late");
}

TEST_CASE("a group that is gone keeps its path") {
  const test::Tree tree;
  tree.directory("/short");
  const std::uint64_t id = test::inode(tree.path("/short"));
  CgroupIndex index(tree.path());
  REQUIRE(index.path(id) == "/short");
  tree.remove("/short");
  index.refresh();
  REQUIRE(index.path(id) == "/short");
}

TEST_CASE("a group is learnt though it was never seen, also after it was taken for gone") {
  const test::Tree tree;
  CgroupIndex index(tree.path());
  index.learn(7, "/a/b");
  REQUIRE(index.path(7) == "/a/b");
  REQUIRE(index.walks() == 0);
  REQUIRE_FALSE(index.path(8));
  index.learn(8, "/late");
  REQUIRE(index.path(8) == "/late");
}

TEST_CASE("memory is bounded, and what is asked for stays") {
  const test::Tree tree;
  CgroupIndex index(tree.path(), "/proc", 100);
  index.learn(1, "/kept");
  for (std::uint64_t id = 2; id < 10'000; ++id) {
    index.learn(id, "/x");
    REQUIRE(index.path(1) == "/kept");
    REQUIRE(index.size() <= 100);
  }
  REQUIRE(index.path(9'999) == "/x");
  REQUIRE_FALSE(index.path(2));
}

TEST_CASE("a group is found in a tree that is larger than the memory") {
  const test::Tree tree;
  for (int i = 0; i < 40; ++i) {
    tree.directory("/group" + std::to_string(i));
  }
  CgroupIndex index(tree.path(), "/proc", 8);
  for (int i = 0; i < 40; ++i) {
    const std::string name = "/group" + std::to_string(i);
    index.refresh();
    REQUIRE(index.path(test::inode(tree.path(name))) == name);
  }
}

TEST_CASE("without a cgroup file system nothing is known, and nothing fails") {
  CgroupIndex index("/nonexistent");
  REQUIRE_FALSE(index.path(1));
}
