#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "support/c_types.h"
#include "support/recorded_format.h"
#include "support/test_kernel.h"

namespace tpx::test {

/// All that a program sees when an event fires: the record, the raw arguments, the current task, and what pointers point
/// to. Lives in this process' memory, so it must outlive the runs of programs on it. Not copyable: addresses are in it.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  Event(Event&&) = delete;
  Event& operator=(Event&&) = delete;
  ~Event() = default;

  /// Lets programs on `kernel` see it: its memory, and its state as what the helpers answer.
  void happen(TestKernel& kernel);

  /// Zeroed kernel memory of the event.
  Bytes& memory(std::size_t size);
  /// Text in user memory; gives its address.
  std::uint64_t user_text(const std::string& text);

  std::shared_ptr<const kernel::Format> format;
  std::shared_ptr<const RecordedFormat> recorded;  ///< the same, read from its text by the tests
  std::shared_ptr<const CTypes> types;             ///< of the recorded kernel
  Bytes record;                                    ///< what a classic program's context is
  std::vector<std::uint64_t> arguments;            ///< of the raw tracepoint; empty where we can't make them
  std::uint32_t pid = 0, tid = 0, ppid = 0, uid = 0, gid = 0, cpu = 0;
  std::uint64_t cgroup = 0;
  std::uint64_t nanoseconds = 0;
  std::string comm;
  std::uint64_t task = 0;
  std::map<std::uint64_t, std::string> user_texts;  ///< by address

 private:
  std::list<Bytes> kernel_memory_;
  std::list<Bytes> user_memory_;
};

/// Makes random events of a recorded kernel's tracepoints. For sched_switch, sched_waking, sched_wakeup*, softirq_*,
/// irq_handler_*, raw_syscalls and syscalls on x86-64 the raw arguments say the same as the record. `kernel` and `random`
/// must outlive it; the kernel is one of recorded_directory().
class RandomEvents {
 public:
  RandomEvents(std::mt19937_64& random, const kernel::Kernel& kernel);

  [[nodiscard]] std::unique_ptr<Event> make(const std::shared_ptr<const kernel::Format>& format);
  /// Whether make() knows the raw arguments of this tracepoint.
  [[nodiscard]] static bool knows_arguments(const std::string& tracepoint);

 private:
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  [[nodiscard]] std::string text(std::size_t longest);
  void fill_record(Event& event);
  void fill_field(Event& event, const kernel::Field& field);
  void fill_dynamic(Event& event, const kernel::Field& field);
  void fill_task(Event& event);
  [[nodiscard]] std::uint64_t make_task(Event& event, std::uint32_t pid, const std::string& comm, std::uint32_t prio);
  void fill_arguments(Event& event);
  void fill_syscall(Event& event);
  void fill_switch(Event& event);
  void fill_wakeup(Event& event);
  void fill_interrupt(Event& event);
  void set_member(std::uint64_t base, const std::string& structure, const std::vector<std::string>& path,
                  std::uint64_t value, std::uint32_t size);

  std::mt19937_64& random_;
  const kernel::Kernel& kernel_;
  std::shared_ptr<const CTypes> types_;
  std::map<std::string, std::shared_ptr<const RecordedFormat>> recorded_;  ///< by tracepoint
};

/// The integer of `size` bytes at `offset`, extended to 64 bits.
[[nodiscard]] std::int64_t integer_at(const Bytes& bytes, std::size_t offset, std::size_t size, bool is_signed);

}  // namespace tpx::test
