#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "decode/cgroup_index.h"
#include "decode/container_names.h"
#include "decode/decoder.h"

namespace tpx::decode {

/// What container(), pod() and namespace() say of a cgroup. Each is one of
///   a name;
///   an id, where no name is known: the container's first 12 digits, the pod's UID (there are as many as containers);
///   `none` outside of containers or pods: all of the host falls into one series;
///   `unknown` where the group is gone and was never learnt, or the pod's namespace is not known.
struct ContainerIdentity {
  std::string container;
  std::string pod;
  std::string name_space;
};

/// Cgroup ids to containers. Used by one thread at a time; what it shares is thread-safe.
class Containers {
 public:
  explicit Containers(const Environment& environment);
  [[nodiscard]] ContainerIdentity identify(std::uint64_t cgroup);
  void refresh();

 private:
  std::shared_ptr<CgroupIndex> cgroups_;
  std::shared_ptr<ContainerNames> names_;
};

/// The index that `environment` shares, or one of its own.
[[nodiscard]] std::shared_ptr<CgroupIndex> cgroup_index(const Environment& environment);

}  // namespace tpx::decode
