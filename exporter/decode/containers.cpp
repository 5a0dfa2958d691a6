#include "decode/containers.h"

#include "base/file.h"
#include "base/text.h"
#include "decode/cgroup_mount.h"
#include "decode/container_path.h"

namespace tpx::decode {
namespace {

constexpr std::string_view kNone = "none";
constexpr std::string_view kUnknown = "unknown";
constexpr std::size_t kShortId = 12;

std::string container_name(const ContainerPath& where, const std::optional<ContainerNames::Names>& names) {
  if (where.container.empty()) {
    return std::string(kNone);
  }
  if (names) {
    return names->container;
  }
  return is_container_id(where.container) ? where.container.substr(0, kShortId) : to_utf8(where.container);
}

}  // namespace

std::shared_ptr<CgroupIndex> cgroup_index(const Environment& environment) {
  if (environment.cgroups) {
    return environment.cgroups;
  }
  const std::string mounts = read_file(environment.procfs + "/self/mounts").value_or("");
  return std::make_shared<CgroupIndex>(cgroup_root(mounts, environment.cgroupfs), environment.procfs);
}

Containers::Containers(const Environment& environment)
    : cgroups_(cgroup_index(environment)),
      names_(environment.containers ? environment.containers : std::make_shared<ContainerNames>(environment.var_log)) {}

ContainerIdentity Containers::identify(std::uint64_t cgroup) {
  const std::optional<std::string> path = cgroups_->path(cgroup);
  if (!path) {
    return {std::string(kUnknown), std::string(kUnknown), std::string(kUnknown)};
  }
  const ContainerPath where = container_path(*path);
  const auto container = names_->container(where.container);
  auto pod = names_->pod(where.pod_uid);
  if (!pod) {
    pod = container;
  }
  const bool in_pod = pod || !where.pod_uid.empty();
  ContainerIdentity identity{container_name(where, container), std::string(kNone), std::string(kNone)};
  if (in_pod) {
    identity.pod = pod ? pod->pod : where.pod_uid;
    identity.name_space = pod ? pod->name_space : std::string(kUnknown);
  }
  return identity;
}

void Containers::refresh() {
  cgroups_->refresh();
  names_->refresh();
}

}  // namespace tpx::decode
