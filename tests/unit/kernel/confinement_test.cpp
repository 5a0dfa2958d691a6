// What is said to do about a refusal, by what is around the process.

#include "kernel/confinement.h"

#include <linux/capability.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "catch.h"

namespace tpx::kernel {
namespace {

constexpr std::uint64_t kBpfAndPerfmon = std::uint64_t{1} << CAP_BPF | std::uint64_t{1} << CAP_PERFMON;

bool says(const std::string& advice, const std::string& words) {
  INFO(advice);
  return advice.find(words) != std::string::npos;
}

TEST_CASE("a refused bpf() names the capabilities only when they are not held") {
  CHECK(says(advice_for_bpf({}, EPERM), "CAP_BPF and CAP_PERFMON"));
  const Confinement filtered{.capabilities = kBpfAndPerfmon, .seccomp_filter = true};
  CHECK(says(advice_for_bpf(filtered, EPERM), "seccomp"));
  CHECK_FALSE(says(advice_for_bpf(filtered, EPERM), "CAP_BPF"));
  CHECK(says(advice_for_bpf(filtered, ENOSYS), "seccomp"));
  const Confinement locked{.capabilities = kBpfAndPerfmon, .lockdown = "confidentiality"};
  CHECK(says(advice_for_bpf(locked, EPERM), "lockdown=integrity"));
  CHECK(says(advice_for_bpf({.capabilities = kBpfAndPerfmon}, EPERM), "security module"));
  // The verifier's own refusals are not about what is around.
  CHECK(advice_for_bpf(filtered, EINVAL).empty());
}

TEST_CASE("too many open files is about the limit") {
  CHECK(says(advice_for_bpf({.open_files = 64}, EMFILE), "may open 64 files"));
  CHECK(says(advice_for_bpf({.open_files = 64}, EMFILE), "LimitNOFILE"));
  CHECK(says(advice_for_perf({.open_files = 64}, EMFILE), "LimitNOFILE"));
}

TEST_CASE("a refused perf event names perf_event_paranoid where CAP_PERFMON does not suffice") {
  const std::string strict = advice_for_perf({.capabilities = kBpfAndPerfmon, .perf_event_paranoid = 3}, EACCES);
  CHECK(says(strict, "kernel.perf_event_paranoid=2"));
  CHECK(says(strict, "CAP_PERFMON is enough"));
  CHECK(says(advice_for_perf({.perf_event_paranoid = 2}, EACCES), "grant CAP_PERFMON"));
  CHECK(says(advice_for_perf({.capabilities = kBpfAndPerfmon, .seccomp_filter = true}, EPERM), "seccomp"));
}

TEST_CASE("tracefs is closed by lockdown, else it is not explained") {
  CHECK(says(advice_for_tracefs({.lockdown = "confidentiality"}), "lockdown=integrity"));
  CHECK(advice_for_tracefs({.lockdown = "integrity"}).empty());
}

TEST_CASE("inside a container the advice is about the container") {
  CHECK(says(advice_for_mount({}), "sudo mount -t tracefs"));
  CHECK(says(advice_for_mount({.container = true}), "hostPath volume"));
  CHECK_FALSE(says(advice_for_mount({.container = true}), "sudo"));
  CHECK(says(advice_for_mount({.lockdown = "confidentiality", .container = true}), "lockdown=integrity"));
  CHECK(says(advice_for_bpf({.container = true}, EPERM), "securityContext.capabilities.add"));
  CHECK_FALSE(says(advice_for_bpf({.container = true}, EPERM), "setcap"));
}

TEST_CASE("what is around this process is read from procfs and sysfs") {
  const std::filesystem::path root = std::filesystem::temp_directory_path() / "tpx_confinement_test";
  std::filesystem::create_directories(root / "self");
  std::filesystem::create_directories(root / "sys/kernel");
  std::filesystem::create_directories(root / "kernel/security");
  std::ofstream(root / "self/status") << "Name:\tx\nCapEff:\t000000c000000000\nSeccomp:\t2\nSeccomp_filters:\t1\n";
  std::ofstream(root / "sys/kernel/perf_event_paranoid") << "3\n";
  std::ofstream(root / "kernel/security/lockdown") << "none [integrity] confidentiality\n";
  const Confinement around = confinement(root.string(), root.string());
  CHECK(around.has(CAP_BPF));
  CHECK(around.has(CAP_PERFMON));
  CHECK_FALSE(around.has(CAP_SYS_ADMIN));
  CHECK(around.seccomp_filter);
  CHECK(around.perf_event_paranoid == 3);
  CHECK(around.lockdown == "integrity");
  CHECK(around.open_files > 0);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace tpx::kernel
