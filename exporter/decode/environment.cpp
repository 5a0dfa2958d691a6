#include "decode/container_names.h"
#include "decode/containers.h"
#include "decode/decoder.h"
#include "decode/kernel_symbols.h"

namespace tpx::decode {

Environment with_shared(Environment paths) {
  paths.cgroups = cgroup_index(paths);
  paths.containers = std::make_shared<ContainerNames>(paths.var_log);
  paths.symbols = std::make_shared<KernelSymbols>(paths.procfs);
  return paths;
}

}  // namespace tpx::decode
