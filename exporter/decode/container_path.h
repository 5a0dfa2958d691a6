#pragma once

#include <string>
#include <string_view>

namespace tpx::decode {

/// What a cgroup's path says of the container it belongs to.
struct ContainerPath {
  std::string container;  ///< a 64-digit id, the name of an LXC or nspawn machine, or "" outside of containers
  std::string pod_uid;    ///< as Kubernetes writes it, with dashes; "" outside of pods
};

/// Reads `path` (below the mount, `/kubepods/…`) by the names that container runtimes give their groups:
///
///     docker-ID.scope  cri-containerd-ID.scope  crio-ID.scope  crio-conmon-ID.scope  libpod-ID.scope     systemd driver
///     /docker/ID  /kubepods/burstable/podUID/ID  libpod-ID                                           cgroupfs driver
///     kubepods-besteffort-podUID.slice (UID with _ for -)  …slice:cri-containerd:ID                       pods
///     lxc.payload.NAME  lxc/NAME  machine-NAME.scope  systemd-nspawn@NAME.service                     machines
///
/// Of nested containers it is the outermost one, or the outermost one in the innermost pod (a cluster of containers as nodes).
[[nodiscard]] ContainerPath container_path(std::string_view path);

/// True for a container id as all OCI runtimes make them: 64 lower-case hex digits.
[[nodiscard]] bool is_container_id(std::string_view text);

}  // namespace tpx::decode
