#pragma once

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace tpx::test {

/// A system call whose arguments the kernel ignores: they are the test's to choose.
inline void call(std::uint64_t first = 0, std::uint64_t second = 0, std::uint64_t third = 0) {
  syscall(SYS_getppid, first, second, third);
}

/// This thread's name, as the kernel has it.
inline std::string own_comm() {
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  return name;
}

/// The filter that takes this thread's call()s alone.
inline std::string own_calls() {
  return "args.id == " + std::to_string(SYS_getppid) + " && tid == " + std::to_string(gettid());
}

/// One metric on raw_syscalls/sys_enter that counts own_calls(); `more` are its other keys, a line each.
inline std::string calls_metric(const std::string& name, const std::string& more,
                                const std::string& filter = own_calls()) {
  std::string text = "  - name: " + name + "\n    tracepoint: raw_syscalls/sys_enter\n    filter: " + filter + "\n";
  for (std::size_t at = 0; at < more.size();) {
    const std::size_t end = std::min(more.find('\n', at), more.size());
    text += "    " + more.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

}  // namespace tpx::test
