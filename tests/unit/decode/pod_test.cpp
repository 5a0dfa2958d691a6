#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

namespace {
const std::string kId = "0123456789ab" + std::string(52, 'c');
const std::string kUid = "1f2e3d4c-0000-4111-8222-aaaabbbbcccc";
const std::string kRoot = "/sys/fs/cgroup";
const std::string kGroup = kRoot + "/kubepods/burstable/pod" + kUid + "/" + kId;

std::string decoded(const test::Tree& tree, const std::string& group) {
  tree.directory(group);
  return test::make("pod", tree.environment())->decode(test::integer(test::inode(tree.path(group)))).text;
}
}  // namespace

TEST_CASE("pod gives the name that Kubernetes gives it") {
  const test::Tree tree;
  tree.directory("/var/log/pods/shop_web-0_" + kUid);
  tree.file("/var/log/containers/web-0_shop_nginx-" + kId + ".log", "");
  REQUIRE(decoded(tree, kGroup) == "web-0");
}

TEST_CASE("pod without the node's logs says what the group's path says") {
  const test::Tree tree;
  REQUIRE(decoded(tree, kGroup) == kUid);
}

TEST_CASE("pod of a container outside of Kubernetes") {
  const test::Tree tree;
  REQUIRE(decoded(tree, kRoot + "/system.slice/docker-" + kId + ".scope") == std::string("none"));
}

TEST_CASE("pod puts all of the host into one series, and all that is gone into another") {
  const test::Tree tree;
  REQUIRE(decoded(tree, kRoot + "/system.slice/ssh.service") == "none");
  REQUIRE(decoded(tree, kRoot) == "none");
  REQUIRE(test::make("pod", tree.environment())->decode(test::integer(1)).text == "unknown");
}

TEST_CASE("pod knows a pod that came after it, and keeps what is gone") {
  const test::Tree tree;
  tree.directory(kRoot);
  const auto decoder = test::make("pod", tree.environment());
  REQUIRE_FALSE(decoder->stable());
  tree.directory(kGroup);
  tree.directory("/var/log/pods/shop_web-0_" + kUid);
  tree.file("/var/log/containers/web-0_shop_nginx-" + kId + ".log", "");
  const auto id = test::inode(tree.path(kGroup));
  decoder->refresh();
  REQUIRE(decoder->decode(test::integer(id)).text == "web-0");
  tree.remove("/var");
  tree.remove(kRoot + "/kubepods");
  decoder->refresh();
  REQUIRE(decoder->decode(test::integer(id)).text == "web-0");
}
