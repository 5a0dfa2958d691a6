#include "cli/access.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/text.h"

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

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain = "_-./:=,+%@";
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || kPlain.find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

/// The arguments of this process as a shell takes them, each with a blank before it.
std::string these_arguments() {
  const auto text = read_file("/proc/self/cmdline");
  std::string line;
  const std::vector<std::string_view> words = split(text ? std::string_view(*text) : std::string_view(), '\0');
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {  // behind the last argument is a zero too
    line += " " + shell_word(words[i]);
  }
  return line;
}

void note_mount(const kernel::Tracefs& tracefs) {
  if (tracefs.mounted_here()) {
    std::fprintf(stderr, "note: tracefs was not mounted; mounted it at %s\n", tracefs.root().c_str());
  }
}

}  // namespace

std::optional<Error> missing_privileges(const kernel::Paths& paths) {
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
  return Error{"permission denied: missing " + names, "run it as root: sudo " + program + these_arguments() +
                                                          ", or grant what is missing: sudo setcap " + grants + "+ep " +
                                                          program};
}

Result<kernel::Tracefs> open_tracefs(const kernel::Paths& paths) {
  auto tracefs = paths.tracefs.empty() ? kernel::Tracefs::find_or_mount() : kernel::Tracefs::open(paths.tracefs);
  if (tracefs) {
    note_mount(*tracefs);
  }
  return tracefs;
}

Result<kernel::Kernel> open_kernel(const kernel::Paths& paths) {
  auto kernel = kernel::running_kernel(paths);
  if (kernel) {
    note_mount(kernel->tracefs);
  }
  return kernel;
}

Result<AttachingCommand> prepare_to_attach(const kernel::Paths& paths) {
  if (auto missing = missing_privileges(paths)) {
    return fail(std::move(*missing));
  }
  auto stop = StopSignal::make();
  if (!stop) {
    return fail(std::move(stop.error()));
  }
  auto kernel = open_kernel(paths);
  if (!kernel) {
    return fail(std::move(kernel.error()));
  }
  return AttachingCommand{std::move(*stop), std::move(*kernel)};
}

decode::Environment decoder_environment(const kernel::Paths& paths) {
  decode::Environment environment;
  environment.procfs = paths.procfs;
  environment.sysfs = paths.sysfs;
  return decode::with_shared(environment);
}

}  // namespace tpx::cli
