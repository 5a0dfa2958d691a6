#include "cli/access.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <unistd.h>

#include <vector>

namespace tpx::cli {

namespace {

bool has(unsigned capability) {
  return capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
}

std::string this_program() {
  std::string path(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return path.empty() ? "tracepoint_exporter" : path;
}

}  // namespace

std::optional<Error> missing_privileges(const kernel::Paths& paths, const std::string& command) {
  if (capng_get_caps_process() != 0) {
    return std::nullopt;
  }
  struct Need {
    bool missing;
    const char* name;
    const char* grant;
  };
  const bool admin = has(CAP_SYS_ADMIN);
  const std::string tracefs = paths.tracefs.empty() ? "/sys/kernel/tracing" : paths.tracefs;
  const bool unreadable = access(tracefs.c_str(), F_OK) == 0 &&
                          access((tracefs + "/events").c_str(), R_OK | X_OK) != 0 && !has(CAP_DAC_READ_SEARCH) &&
                          !has(CAP_DAC_OVERRIDE);
  const Need needs[] = {{!admin && !has(CAP_BPF), "CAP_BPF", "cap_bpf"},
                        {!admin && !has(CAP_PERFMON), "CAP_PERFMON", "cap_perfmon"},
                        {unreadable, "CAP_DAC_READ_SEARCH (to read tracefs)", "cap_dac_read_search"}};
  std::string names;
  std::string grants;
  for (const Need& need : needs) {
    if (need.missing) {
      names += (names.empty() ? "" : ", ") + std::string(need.name);
      grants += (grants.empty() ? "" : ",") + std::string(need.grant);
    }
  }
  if (names.empty()) {
    return std::nullopt;
  }
  const std::string program = this_program();
  return Error{"permission denied: missing " + names, "run it as root: sudo " + program + " " + command +
                                                          ", or grant what is missing: sudo setcap " + grants + "+ep " +
                                                          program};
}

Result<kernel::Tracefs> open_tracefs(const kernel::Paths& paths) {
  return paths.tracefs.empty() ? kernel::Tracefs::find_or_mount() : kernel::Tracefs::open(paths.tracefs);
}

}  // namespace tpx::cli
