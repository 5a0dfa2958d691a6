#include "loader/grace_period.h"

#include <bpf/bpf.h>

#include <cerrno>

#include "loader/options.h"

namespace tpx::loader {

Result<GracePeriod> GracePeriod::make() {
  GracePeriod period;
  period.inner_.reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, "tpx_inner", 4, 4, 1, nullptr));
  if (period.inner_.valid()) {
    auto options = default_options<bpf_map_create_opts>();
    options.inner_map_fd = static_cast<__u32>(period.inner_.get());
    period.outer_.reset(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "tpx_grace", 4, 4, 1, &options));
  }
  if (!period.outer_.valid()) {
    return fail(os_failure("can't create a map of maps", errno));
  }
  return period;
}

Result<void> GracePeriod::wait() const {
  const __u32 first = 0;
  const int inner = inner_.get();
  if (bpf_map_update_elem(outer_.get(), &first, &inner, BPF_ANY) != 0) {
    return fail(os_failure("can't wait for BPF programs", errno));
  }
  return {};
}

}  // namespace tpx::loader
