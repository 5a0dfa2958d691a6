#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

namespace {
/// What the three decoders say of one container.
struct Names {
  std::string container;
  std::string pod;
  std::string space;
  bool operator==(const Names&) const = default;
};

/// The three, which are asked together: they read the same things and answer with different parts of them.
class Decoders {
 public:
  explicit Decoders(const test::Tree& tree)
      : container_(test::make("container", tree.environment())),
        pod_(test::make("pod", tree.environment())),
        namespace_(test::make("namespace", tree.environment())) {}

  [[nodiscard]] Names decode(std::uint64_t id) const {
    const auto text = [&](const auto& decoder) { return decoder->decode(test::integer(id)).text; };
    return {text(container_), text(pod_), text(namespace_)};
  }
  [[nodiscard]] Names refreshed(std::uint64_t id) const {
    for (const auto* decoder : {&container_, &pod_, &namespace_}) {
      REQUIRE_FALSE((*decoder)->stable());
      (*decoder)->refresh();
    }
    return decode(id);
  }

 private:
  std::unique_ptr<Decoder> container_;
  std::unique_ptr<Decoder> pod_;
  std::unique_ptr<Decoder> namespace_;
};

const std::string kId = "0123456789ab" + std::string(52, 'c');
const std::string kUid = "1f2e3d4c-0000-4111-8222-aaaabbbbcccc";
const std::string kRoot = "/sys/fs/cgroup";
const std::string kGroup = kRoot + "/kubepods/burstable/pod" + kUid + "/" + kId;

const Names kNames = {"nginx", "web-0", "shop"};
const Names kHost = {"none", "none", "none"};

void write_logs(const test::Tree& tree) {
  tree.directory("/var/log/pods/shop_web-0_" + kUid);
  tree.file("/var/log/containers/web-0_shop_nginx-" + kId + ".log", "");
}

Names decoded(const test::Tree& tree, const std::string& group) {
  tree.directory(group);
  return Decoders(tree).decode(test::inode(tree.path(group)));
}
}  // namespace

TEST_CASE("container, pod and namespace have the names that Kubernetes gives them") {
  const test::Tree tree;
  write_logs(tree);
  REQUIRE(decoded(tree, kGroup) == kNames);
}

TEST_CASE("without the node's logs there is what the group's path says") {
  const test::Tree tree;
  REQUIRE(decoded(tree, kGroup) == Names{kId.substr(0, 12), kUid, "unknown"});
}

TEST_CASE("a container outside of Kubernetes has no pod and no namespace") {
  const test::Tree tree;
  REQUIRE(decoded(tree, kRoot + "/system.slice/docker-" + kId + ".scope") == Names{kId.substr(0, 12), "none", "none"});
}

TEST_CASE("all of the host is in one series, and all that is gone in another") {
  const test::Tree tree;
  REQUIRE(decoded(tree, kRoot + "/system.slice/ssh.service") == kHost);
  REQUIRE(decoded(tree, kRoot) == kHost);
  REQUIRE(Decoders(tree).decode(1) == Names{"unknown", "unknown", "unknown"});
}

TEST_CASE("a container that came after the decoders is known, and is kept when it is gone") {
  const test::Tree tree;
  tree.directory(kRoot);
  const Decoders decoders(tree);
  tree.directory(kGroup);
  write_logs(tree);
  const auto id = test::inode(tree.path(kGroup));
  REQUIRE(decoders.refreshed(id) == kNames);
  tree.remove("/var");
  tree.remove(kRoot + "/kubepods");
  REQUIRE(decoders.refreshed(id) == kNames);
}
