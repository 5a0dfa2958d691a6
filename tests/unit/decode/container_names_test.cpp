#include "decode/container_names.h"

#include "catch.h"
#include "unit/decode/support.h"

using namespace tpx::decode;

namespace {
const std::string kId(64, 'a');
const std::string kUid = "1f2e3d4c-0000-4111-8222-aaaabbbbcccc";
}  // namespace

TEST_CASE("names come from the names of the log files") {
  const test::Tree tree;
  tree.directory("/pods/shop_web-0_" + kUid);
  tree.file("/containers/web-0_shop_nginx-proxy-" + kId + ".log", "");
  ContainerNames names(tree.path());
  const auto container = names.container(kId);
  REQUIRE(container);
  REQUIRE(container->container == "nginx-proxy");
  REQUIRE(container->pod == "web-0");
  REQUIRE(container->name_space == "shop");
  const auto pod = names.pod(kUid);
  REQUIRE(pod);
  REQUIRE(pod->pod == "web-0");
  REQUIRE(pod->name_space == "shop");
}

TEST_CASE("files that are named otherwise are passed over") {
  const test::Tree tree;
  tree.directory("/pods/two_parts");
  tree.directory("/pods/_web_" + kUid);
  tree.file("/containers/a_b_c-" + kId, "");
  tree.file("/containers/a_b_c-short.log", "");
  tree.file("/containers/a_b_c_d-" + kId + ".log", "");
  tree.file("/containers/.log", "");
  ContainerNames names(tree.path());
  REQUIRE(names.size() == 0);
  REQUIRE_FALSE(names.container(kId));
  REQUIRE_FALSE(names.pod(kUid));
}

TEST_CASE("a pod is learnt at the next refresh, and known when its files are gone") {
  const test::Tree tree;
  ContainerNames names(tree.path());
  REQUIRE_FALSE(names.pod(kUid));
  tree.directory("/pods/shop_web_" + kUid);
  names.refresh();
  REQUIRE(names.pod(kUid));
  tree.remove("/pods");
  names.refresh();
  REQUIRE(names.pod(kUid)->pod == "web");
}

TEST_CASE("memory for names is bounded") {
  const test::Tree tree;
  for (int i = 0; i < 30; ++i) {
    tree.directory("/pods/ns_pod_uid" + std::to_string(i));
  }
  REQUIRE(ContainerNames(tree.path(), 10).size() <= 10);
}
