#include "kernel/kernel.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "kernel/memory_limit.h"

namespace tpx::kernel {
namespace {

/// The kernel's largest NR_CPUS is 8192; more is no list of CPUs.
constexpr unsigned kMostCpus = 1U << 16U;

std::optional<unsigned> cpu_number(std::string_view text) {
  const auto value = whole_number<unsigned>(text);
  return value && *value < kMostCpus ? value : std::nullopt;
}

}  // namespace

Result<unsigned> parse_possible_cpus(const std::string& text) {
  unsigned count = 0;
  for (const std::string_view range : split(trim(text), ',')) {
    const auto dash = range.find('-');
    const auto first = cpu_number(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : cpu_number(range.substr(dash + 1));
    if (!first || !last || *first > *last) {
      return fail("not a list of CPUs: " + std::string(trim(text)));
    }
    count = std::max(count, *last + 1);
  }
  return count;
}

Result<Kernel> running_kernel(const Paths& paths) {
  auto tracefs = paths.tracefs.empty() ? Tracefs::find_or_mount() : Tracefs::open(paths.tracefs);
  if (!tracefs) {
    return fail(std::move(tracefs.error()));
  }
  const auto possible = read_file(paths.sysfs + "/devices/system/cpu/possible");
  if (!possible) {
    return fail(possible.error());
  }
  const auto cpus = parse_possible_cpus(*possible);
  if (!cpus) {
    return fail(cpus.error());
  }
  Kernel kernel{std::move(*tracefs), std::nullopt, {}, *cpus, false};
  if (auto btf = Btf::open(paths.btf)) {
    kernel.btf = std::move(*btf);
  }
  if (const auto online = read_file(paths.sysfs + "/devices/system/cpu/online")) {
    kernel.online_cpus = parse_possible_cpus(*online).value_or(0);
  }
  kernel.memory_bytes = memory_limit(paths.procfs, paths.sysfs);
  kernel.most_threads = thread_limit(paths.procfs).value_or(kernel.most_threads);
  const Btf* known = kernel.btf ? &*kernel.btf : nullptr;
  kernel.may_load = may_load_programs();
  kernel.features = kernel.may_load ? probe_features(known) : features_of_running_release(known);
  return kernel;
}

Result<Kernel> recorded_kernel(const std::string& directory, const Features& features) {
  auto tracefs = Tracefs::open(directory);
  if (!tracefs) {
    return fail(std::move(tracefs.error()));
  }
  Kernel kernel{std::move(*tracefs), std::nullopt, features, 1, true};
  if (auto btf = Btf::open(directory + "/vmlinux.btf")) {
    kernel.btf = std::move(*btf);
  } else if (btf.error().os_error != ENOENT) {
    return fail(std::move(btf.error()));
  }
  return kernel;
}

}  // namespace tpx::kernel
