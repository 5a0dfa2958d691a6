#include "kernel/memory_limit.h"

#include <filesystem>
#include <fstream>

#include "catch.h"
#include "test_paths.h"

namespace tpx::kernel {
namespace {

/// A /proc and a /sys in a directory of their own.
class Machine {
 public:
  Machine() : root_(std::filesystem::path(TPX_BINARY_DIR) / "memory_limit_test") { std::filesystem::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  Machine(Machine&&) = delete;
  Machine& operator=(Machine&&) = delete;
  ~Machine() { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  [[nodiscard]] std::optional<std::uint32_t> threads() const { return thread_limit(root_ / "proc"); }
  [[nodiscard]] std::uint64_t limit() const { return memory_limit(root_ / "proc", root_ / "sys"); }

 private:
  std::filesystem::path root_;
};

constexpr const char* kMeminfo = "MemTotal:        4096 kB\nMemFree:          100 kB\n";
constexpr std::uint64_t kMachine = 4096 * 1024;

TEST_CASE("the memory limit is the machine's memory where no cgroup limits it") {
  const Machine machine;
  CHECK(machine.limit() == 0);
  machine.write("proc/meminfo", kMeminfo);
  CHECK(machine.limit() == kMachine);
  machine.write("proc/self/cgroup", "0::/system.slice/exporter.service\n");
  machine.write("sys/fs/cgroup/system.slice/exporter.service/memory.max", "max\n");
  CHECK(machine.limit() == kMachine);
}

TEST_CASE("the lesser of the limits of threads and of ids counts") {
  const Machine machine;
  CHECK_FALSE(machine.threads());
  machine.write("proc/sys/kernel/threads-max", "192729\n");
  CHECK(machine.threads() == 192729U);
  machine.write("proc/sys/kernel/pid_max", "32768\n");
  CHECK(machine.threads() == 32768U);
}

TEST_CASE("the least limit of the cgroup and its ancestors counts") {
  const Machine machine;
  machine.write("proc/meminfo", kMeminfo);
  machine.write("proc/self/cgroup", "0::/pods/one\n");
  machine.write("sys/fs/cgroup/pods/one/memory.max", "2000000\n");
  CHECK(machine.limit() == 2'000'000);
  machine.write("sys/fs/cgroup/pods/memory.max", "1000000\n");
  CHECK(machine.limit() == 1'000'000);
}

TEST_CASE("a container that sees its own cgroup as the root has the limit there") {
  const Machine machine;
  machine.write("proc/meminfo", kMeminfo);
  machine.write("proc/self/cgroup", "0::/\n");
  machine.write("sys/fs/cgroup/memory.max", "3000000\n");
  CHECK(machine.limit() == 3'000'000);
}

TEST_CASE("the memory hierarchy of cgroup v1 counts, its enormous default does not") {
  const Machine machine;
  machine.write("proc/meminfo", kMeminfo);
  machine.write("proc/self/cgroup", "12:cpu,cpuacct:/a\n9:memory:/a/b\n1:name=systemd:/a\n");
  machine.write("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(machine.limit() == kMachine);
  machine.write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "500000\n");
  CHECK(machine.limit() == 500'000);
}

}  // namespace
}  // namespace tpx::kernel
