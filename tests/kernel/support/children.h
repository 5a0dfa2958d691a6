#pragma once

#include <sys/types.h>

#include <array>
#include <functional>
#include <string>

namespace tpx::test {

/// The comm of this test's children, so that nobody else's calls count. The same in a child.
[[nodiscard]] const std::string& child_comm();

/// A pipe that processes wait on until the test writes or closes it.
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  Gate(Gate&&) = delete;
  Gate& operator=(Gate&&) = delete;
  ~Gate();

  /// In the child: true for each let_one(), false once closed everywhere.
  [[nodiscard]] bool wait() const;
  void let_one() const;
  /// In the child, whose copy would keep the gate open.
  void leave_to_parent() { close(); }
  void close();

 private:
  std::array<int, 2> ends_{};
};

/// getppid, so many times.
void call_getppid(long times);

/// A child named child_comm() that runs `work` and exits with 0; it dies with the test.
[[nodiscard]] pid_t start_child(const std::function<void()>& work);
/// The same with this id; negative when somebody has it. Async-signal-safe work only.
[[nodiscard]] pid_t start_child_as(pid_t id, const std::function<void()>& work);
/// A child whose first thread has ended while another one lives: that one calls getppid so many times, waits, and ends all.
[[nodiscard]] pid_t start_headless_child(long calls, const Gate& gate);
/// Waits for it to end well.
void reap(pid_t child);

/// In a child: forks `children` one after the other, each of which calls getppid once and exits.
void churn(long children);

}  // namespace tpx::test
