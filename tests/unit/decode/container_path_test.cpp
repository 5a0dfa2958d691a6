#include "decode/container_path.h"

#include "catch.h"

using namespace tpx::decode;

namespace {
const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kOther(64, 'e');
const std::string kUid = "1f2e3d4c-0000-4111-8222-aaaabbbbcccc";
const std::string kUidUnderscores = "1f2e3d4c_0000_4111_8222_aaaabbbbcccc";

struct Case {
  std::string path;
  std::string container;
  std::string pod_uid;
};
}  // namespace

TEST_CASE("container groups of every runtime and driver are recognised") {
  const std::string slice =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidUnderscores + ".slice";
  const Case cases[] = {
      {"/system.slice/docker-" + kId + ".scope", kId, ""},
      {"/docker/" + kId, kId, ""},
      {slice + "/cri-containerd-" + kId + ".scope", kId, kUid},
      {slice + "/crio-" + kId + ".scope", kId, kUid},
      {slice + "/crio-conmon-" + kId + ".scope", kId, kUid},
      {slice + "/docker-" + kId + ".scope", kId, kUid},
      {slice + "/crio-" + kId + ".scope/container", kId, kUid},
      {"/kubepods.slice/kubepods-pod" + kUidUnderscores + ".slice/cri-containerd-" + kId + ".scope", kId, kUid},
      {"/kubepods/burstable/pod" + kUid + "/" + kId, kId, kUid},
      {"/kubepods/pod" + kUid + "/" + kId, kId, kUid},
      {"/kubepods/besteffort/pod" + std::string(32, 'a') + "/" + kId, kId, std::string(32, 'a')},
      {"/system.slice/containerd.service/kubepods-besteffort-pod" + kUidUnderscores + ".slice:cri-containerd:" + kId,
       kId, kUid},
      {"/machine.slice/libpod-" + kId + ".scope", kId, ""},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", kId, ""},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope/container", kId, ""},
      {"/libpod_parent/libpod-" + kId, kId, ""},
      {"/lxc.payload.web", "web", ""},
      {"/lxc/web/system.slice", "web", ""},
      {"/machine.slice/machine-my\\x2dbox.scope", "my-box", ""},
      {"/machine.slice/systemd-nspawn@debian.service/payload", "debian", ""},
  };
  for (const Case& expected : cases) {
    INFO(expected.path);
    const ContainerPath found = container_path(expected.path);
    REQUIRE(found.container == expected.container);
    REQUIRE(found.pod_uid == expected.pod_uid);
  }
}

TEST_CASE("groups of the host are in no container") {
  for (const std::string& path :
       {std::string("/"), std::string(""), std::string("/system.slice/ssh.service"), std::string("/init.scope"),
        std::string("/kubepods.slice/kubepods-burstable.slice"), std::string("/system.slice/podman.service"),
        "/x" + kId, "/docker/" + kId.substr(1), std::string("/pod-of-whales"), std::string("/lxc")}) {
    INFO(path);
    REQUIRE(container_path(path).container.empty());
    REQUIRE(container_path(path).pod_uid.empty());
  }
}

TEST_CASE("a pod's own group is in the pod and in no container") {
  const ContainerPath found = container_path("/kubepods/pod" + kUid);
  REQUIRE(found.container.empty());
  REQUIRE(found.pod_uid == kUid);
}

TEST_CASE("of nested containers it is the outer one, but the one in the inner pod") {
  REQUIRE(container_path("/docker/" + kId + "/docker/" + kOther).container == kId);
  REQUIRE(container_path("/docker/" + kId + "/system.slice/x.service").container == kId);
  const ContainerPath node = container_path("/docker/" + kOther + "/kubelet/kubepods/pod" + kUid + "/" + kId);
  REQUIRE(node.container == kId);
  REQUIRE(node.pod_uid == kUid);
}
