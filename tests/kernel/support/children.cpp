#include "kernel/support/children.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <thread>
#include <utility>

#include "catch.h"

namespace tpx::test {

Gate::Gate() {
  REQUIRE(pipe2(ends_.data(), O_CLOEXEC) == 0);
}

Gate::~Gate() {
  ::close(ends_[0]);
  close();
}

void Gate::close() {
  if (ends_[1] >= 0) {
    ::close(std::exchange(ends_[1], -1));
  }
}

bool Gate::wait() const {
  char byte = 0;
  return read(ends_[0], &byte, 1) == 1;
}

void Gate::let_one() const {
  REQUIRE(write(ends_[1], "", 1) == 1);
}

void call_getppid(long times) {
  for (long i = 0; i < times; ++i) {
    syscall(SYS_getppid);
  }
}

const std::string& child_comm() {
  static const std::string comm = "tpx-ch-" + std::to_string(getpid());
  return comm;
}

namespace {

[[noreturn]] void become(const std::function<void()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, child_comm().c_str());
  work();
  _exit(0);
}

bool is_zombie(pid_t thread) {
  std::ifstream stat("/proc/" + std::to_string(thread) + "/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(stat, text);
  return text.find(") Z ") != std::string::npos;
}

}  // namespace

pid_t start_child(const std::function<void()>& work) {
  static_cast<void>(child_comm());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    become(work);
  }
  return child;
}

pid_t start_child_as(pid_t id, const std::function<void()>& work) {
  static_cast<void>(child_comm());
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&id);
  arguments.set_tid_size = 1;
  const auto child = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
  if (child == 0) {
    become(work);
  }
  return child;
}

pid_t start_headless_child(long calls, const Gate& gate) {
  const pid_t child = start_child([&] {
    std::thread([&] {
      call_getppid(calls);
      static_cast<void>(gate.wait());
      _exit(0);
    }).detach();
    syscall(SYS_exit, 0);
  });
  while (!is_zombie(child)) {
    std::this_thread::yield();
  }
  return child;
}

void reap(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
}

void churn(long children) {
  for (long i = 0; i < children; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      call_getppid(1);
      _exit(0);
    }
    if (child < 0 || waitpid(child, nullptr, 0) != child) {
      _exit(1);
    }
  }
}

}  // namespace tpx::test
