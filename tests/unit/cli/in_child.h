#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "catch.h"

namespace tpx::test {

/// A process of its own for what concerns a whole process: its standard error, its signals. Killed by SIGALRM after 20 s.
class InChild {
 public:
  /// Runs `work` with standard error on a pipe; the exit code is what it returns.
  explicit InChild(const std::function<int()>& work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    read_end_.reset(ends[0]);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::alarm(20);
      ::dup2(ends[1], STDERR_FILENO);
      ::close(ends[1]);
      ::close(ends[0]);
      ::_exit(work());
    }
    ::close(ends[1]);
  }
  InChild(const InChild&) = delete;
  InChild& operator=(const InChild&) = delete;
  ~InChild() {
    if (pid_ > 0) {
      static_cast<void>(exit_code());
    }
  }

  /// What it writes to standard error, until it is closed.
  [[nodiscard]] std::string errors() {
    std::string text;
    char bytes[4096];
    for (ssize_t count = 0; (count = ::read(read_end_.get(), bytes, sizeof(bytes))) > 0;) {
      text.append(bytes, static_cast<std::size_t>(count));
    }
    return text;
  }
  /// Waits for the end; -1 when a signal ended it.
  [[nodiscard]] int exit_code() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  UniqueFd read_end_;
  pid_t pid_ = -1;
};

}  // namespace tpx::test
