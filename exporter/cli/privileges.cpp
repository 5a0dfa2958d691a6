#include "cli/privileges.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/file.h"

namespace tpx::cli {

void forbid_new_privileges() {
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // The kernel refuses numbers above its last capability.
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
}

Result<void> drop_privileges(const std::string& procfs, bool low_ports) {
  if (capng_get_caps_process() != 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE) {
    return {};
  }
  const auto paranoid = read_file(procfs + "/sys/kernel/perf_event_paranoid");
  const bool needs_admin = paranoid && std::atoi(paranoid->c_str()) > 2;
  const std::array kept{std::pair(CAP_BPF, true), std::pair(CAP_PERFMON, true), std::pair(CAP_DAC_READ_SEARCH, true),
                        std::pair(CAP_SYS_ADMIN, needs_admin), std::pair(CAP_NET_BIND_SERVICE, low_ports)};
  std::array<bool, kept.size()> held{};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    held[i] = kept[i].second && capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(kept[i].first)) != 0;
  }
  capng_clear(CAPNG_SELECT_CAPS);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (held[i]) {
      capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                   static_cast<unsigned>(kept[i].first));
    }
  }
  if (const int code = capng_apply(CAPNG_SELECT_CAPS); code != 0) {
    return fail("can't drop capabilities (capng_apply: " + std::to_string(code) + ")");
  }
  return {};
}

void drop_all_capabilities() {
  // Not through libcap-ng, whose state other threads use.
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  (void)::syscall(SYS_capset, &header, none.data());
}

}  // namespace tpx::cli
