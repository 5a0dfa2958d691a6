#pragma once

#include <linux/bpf.h>

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/memory.h"

namespace tpx::test {

using Bytes = std::vector<std::uint8_t>;
using Arguments = std::array<std::uint64_t, 5>;

/// What a call does: R1 to R5 in, R0 out. Only the first `arguments` registers must have been set; the others read 0.
struct Helper {
  unsigned arguments = 0;
  std::function<std::uint64_t(const Arguments&)> run;
};

/// A BPF map in the test's own memory. `entries` holds, by key, the value of each CPU (one for maps that aren't per
/// CPU); add entries through TestKernel::set(), so that programs may reach them.
struct TestMap {
  std::string name;
  bpf_map_type type = BPF_MAP_TYPE_ARRAY;
  std::uint32_t key_size = 4;
  std::uint32_t value_size = 8;
  std::uint32_t max_entries = 1;  ///< bytes, for a ring buffer
  std::map<Bytes, std::vector<Bytes>> entries = {};
  /// What programs sent: of a ring buffer or perf event array, oldest first. A ring buffer is full when these hold
  /// `max_entries` bytes with their headers; clear them to consume them.
  std::vector<Bytes> records = {};

  [[nodiscard]] bool per_cpu() const;
  [[nodiscard]] bool array() const;
};

/// The kernel around a program: memory, maps and what the helpers answer. Tests set the public values. Task storage is
/// a map by the task's address. Not thread-safe; not movable, as the helpers refer to it.
class TestKernel {
 public:
  explicit TestKernel(std::uint32_t possible_cpus = 1);
  TestKernel(const TestKernel&) = delete;
  TestKernel& operator=(const TestKernel&) = delete;
  TestKernel(TestKernel&&) = delete;
  TestKernel& operator=(TestKernel&&) = delete;
  ~TestKernel() = default;

  std::uint32_t cpu = 0;
  std::uint64_t ktime_ns = 0;
  std::uint64_t pid_tgid = 0;  ///< process id in the upper 32 bits, thread id in the lower
  std::uint64_t uid_gid = 0;   ///< gid in the upper 32 bits, uid in the lower
  std::uint64_t cgroup_id = 0;
  std::uint64_t current_task = 0;  ///< an address, of memory that the test added
  std::uint32_t random = 0;
  std::string comm = "test";
  Memory memory;
  /// By number (enum bpf_func_id). The constructor fills in those that our programs call; tests may replace them.
  std::map<std::uint32_t, Helper> helpers;

  /// `type` array or per-CPU array (all elements zero), hash or per-CPU hash, task storage, ring buffer, perf event
  /// array. For a per-CPU map there is a value for each possible CPU.
  TestMap& add_map(const std::string& name, bpf_map_type type, std::uint32_t key_size, std::uint32_t value_size,
                   std::uint32_t max_entries);
  /// A Fault when there is none of this name.
  [[nodiscard]] TestMap& map(const std::string& name);
  /// The value at `key`, zero when new; `on` selects the CPU of a per-CPU map. The span stays good while the entry is.
  std::span<std::uint8_t> set(TestMap& map, const Bytes& key, std::uint32_t on = 0);
  /// The only value of a one-element array.
  [[nodiscard]] std::span<std::uint8_t> value(const std::string& name);
  bool erase(TestMap& map, const Bytes& key);

  /// What a load of the map itself puts into a register, and back. A handle is no address of memory.
  [[nodiscard]] std::uint64_t handle(const std::string& name);
  [[nodiscard]] TestMap& map_of(std::uint64_t handle);
  /// Ring buffer records reserved and neither submitted nor discarded; the verifier wants none at exit.
  [[nodiscard]] std::size_t open_reservations() const { return reservations_.size(); }
  [[nodiscard]] std::uint32_t possible_cpus() const { return possible_cpus_; }

 private:
  struct Reservation {
    TestMap* map;
    Bytes bytes;
  };

  void add_state_helpers();
  void add_map_helpers();
  void add_ring_helpers();
  void add_read_helpers();
  Bytes* find(TestMap& map, const Bytes& key, std::uint32_t on);
  std::int64_t update(TestMap& map, const Bytes& key, const Bytes& value, std::uint64_t flags);
  std::uint64_t lookup(const Arguments& arguments, std::uint32_t on);
  std::uint64_t task_storage(const Arguments& arguments);
  bool ring_has_room(const TestMap& map, std::size_t size) const;
  std::uint64_t reserve(const Arguments& arguments);
  std::uint64_t release(const Arguments& arguments, bool submit);
  std::uint64_t probe_read(const Arguments& arguments, bool kernel, bool user);
  std::uint64_t probe_read_string(const Arguments& arguments, bool kernel, bool user);
  /// 0, or why bpf_probe_read_* can't: -ERANGE where one that reads kernel memory is given a user's address or null
  /// (copy_from_kernel_nofault() in mm/maccess.c), -EFAULT where nothing is.
  [[nodiscard]] std::uint64_t read_error(std::uint64_t address, std::size_t size, bool kernel, bool user);

  std::uint32_t possible_cpus_;
  std::vector<std::unique_ptr<TestMap>> maps_;
  std::list<Reservation> reservations_;
};

}  // namespace tpx::test
