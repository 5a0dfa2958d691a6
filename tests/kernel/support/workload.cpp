#include "kernel/support/workload.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

#include "catch.h"
#include "test_paths.h"

namespace tpx::test {

Workload::Workload(const std::string& name, const std::vector<std::string>& arguments) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  REQUIRE(pipe2(in.data(), O_CLOEXEC) == 0);
  REQUIRE(pipe2(out.data(), O_CLOEXEC) == 0);
  const std::string path = std::string(TPX_WORKLOADS) + "/" + name;
  std::vector<std::string> texts{path};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& text : texts) {
    argv.push_back(text.data());
  }
  argv.push_back(nullptr);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execv(path.c_str(), argv.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  REQUIRE(read_line() == "ready");
  // It said so and now goes to sleep: what it does until then is not part of what is counted.
  static_cast<void>(switches_of(pid_));
}

Workload::~Workload() {
  close(to_);
  close(from_);
  waitpid(pid_, nullptr, 0);
}

std::string Workload::read_line() const {
  std::string line;
  char byte = 0;
  while (read(from_, &byte, 1) == 1 && byte != '\n') {
    line += byte;
  }
  return line;
}

void Workload::run() {
  REQUIRE(write(to_, "g", 1) == 1);
  report_ = read_line();
  REQUIRE_FALSE(report_.empty());
  static_cast<void>(switches_of(pid_));  // what it does on its way to sleep is part of what is counted
}

std::uint64_t Workload::reported(const std::string& name) const {
  const auto at = report_.find("\"" + name + "\": ");
  INFO(report_);
  REQUIRE(at != std::string::npos);
  return std::stoull(report_.substr(at + name.size() + 4));
}

namespace {

/// Whether the thread is off its CPU: the state says "sleeping" already before the switch is made and counted.
bool is_off_cpu(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
  std::string call;
  return (file >> call) && call != "running";
}

}  // namespace

std::uint64_t switches_of(pid_t pid) {
  for (;;) {
    const bool off_cpu = is_off_cpu(pid);
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    std::uint64_t sum = 0;
    bool asleep = false;
    for (std::string line; std::getline(status, line);) {
      asleep = asleep || line.starts_with("State:\tS");
      if (line.find("voluntary_ctxt_switches:") != std::string::npos) {
        sum += std::stoull(line.substr(line.find(':') + 1));
      }
    }
    if (asleep && off_cpu) {
      return sum;
    }
    std::this_thread::yield();
  }
}

}  // namespace tpx::test
