#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tpx::test {

/// One of tests/workloads, started and waiting: nothing of what it does has happened yet.
class Workload {
 public:
  Workload(const std::string& name, const std::vector<std::string>& arguments);
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  Workload(Workload&&) = delete;
  Workload& operator=(Workload&&) = delete;
  ~Workload();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Lets it do its work and waits for its report; it lives on, asleep.
  void run();
  /// A number of its report.
  [[nodiscard]] std::uint64_t reported(const std::string& name) const;

 private:
  [[nodiscard]] std::string read_line() const;

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string report_;
};

/// Waits until the thread is off its CPU: asleep, stopped, or a zombie after its last switch.
void wait_until_off_cpu(pid_t pid);

/// Context switches so far of each thread of PID 1, by its id.
[[nodiscard]] std::map<std::string, std::uint64_t> switches_of_the_first_process();

/// Of those between the two, as many as no program has seen: `seen` counts sched_switch by prev_pid, from `before` or earlier
/// until `after` or later. None on most kernels. In some virtual machines no tracepoint fires while a thread of the host's
/// agent, PID 1, is the current one: tracefs, perf and BPF have nothing of it, and no miss is counted (docs/how-it-works.md).
/// Where a switch to the thread of interest is away from one of those, nobody sees it.
[[nodiscard]] std::uint64_t hidden_switches(const std::map<std::string, std::uint64_t>& before,
                                            const std::map<std::string, std::uint64_t>& after,
                                            const std::map<std::string, std::uint64_t>& seen);

/// voluntary plus nonvoluntary context switches of a process' first thread, once it sleeps.
[[nodiscard]] std::uint64_t switches_of(pid_t pid);

}  // namespace tpx::test
