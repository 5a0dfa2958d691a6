#include "cli/system_calls.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>
#include <thread>

#include "catch.h"
#include "skip.h"
#include "unit/cli/in_child.h"

using namespace tpx::cli;
using tpx::test::InChild;

namespace {

bool refused(long result) {
  return result == -1 && errno == EPERM;
}

int run_a_program() {
  char name[] = "/bin/false";  // were it run, the child's exit code would not be 0
  char* arguments[] = {name, nullptr};
  return ::execv(name, arguments);
}

/// What no privilege is needed for, and EPERM can only come from the filter.
bool all_refused() {
  return refused(run_a_program()) && refused(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) &&
         refused(::syscall(SYS_personality, 0xffffffff)) && refused(::syscall(SYS_io_uring_setup, 1, nullptr)) &&
         refused(::syscall(SYS_setuid, ::getuid())) && refused(::rename("/nowhere/a", "/nowhere/b"));
}

}  // namespace

TEST_CASE("programs can't be run and other processes not be looked into, by any thread") {
  if (!may_filter_system_calls()) {
    TPX_SKIP("this kernel has no seccomp filters");
  }
  InChild child([] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int ends[2];
    if (::pipe(ends) != 0) {
      return 1;
    }
    bool earlier_refused = false;
    std::thread earlier([&] {
      char byte = 0;
      earlier_refused = ::read(ends[0], &byte, 1) == 1 && all_refused();
    });
    const bool done = forbid_system_calls(FileNames::Fixed).has_value();
    const bool told = ::write(ends[1], "x", 1) == 1;
    earlier.join();
    bool later_refused = false;
    std::thread([&] { later_refused = all_refused(); }).join();
    return done && told && earlier_refused && later_refused && all_refused() ? 0 : 2;
  });
  CHECK(child.exit_code() == 0);
}

TEST_CASE("what the exporter does is not refused") {
  if (!may_filter_system_calls()) {
    TPX_SKIP("this kernel has no seccomp filters");
  }
  InChild child([] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!forbid_system_calls(FileNames::Fixed)) {
      return 1;
    }
    const int file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char byte = 0;
    if (file < 0 || ::read(file, &byte, 1) != 1 || ::close(file) != 0) {
      return 2;
    }
    // EINVAL or EFAULT, not EPERM: the kernel was asked.
    errno = 0;
    (void)::syscall(SYS_bpf, -1, nullptr, 0);
    const bool bpf = errno != EPERM || ::geteuid() != 0;
    (void)::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0);
    return bpf && errno == EFAULT ? 0 : 3;
  });
  CHECK(child.exit_code() == 0);
}

TEST_CASE("files can be renamed where pins are replaced, and nothing else is allowed") {
  if (!may_filter_system_calls()) {
    TPX_SKIP("this kernel has no seccomp filters");
  }
  InChild child([] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!forbid_system_calls(FileNames::Replaced)) {
      return 1;
    }
    const bool asked = ::rename("/nowhere/a", "/nowhere/b") == -1 && errno == ENOENT;
    const bool other = refused(::syscall(SYS_linkat, AT_FDCWD, "/nowhere/a", AT_FDCWD, "/nowhere/b", 0)) &&
                       refused(::syscall(SYS_renameat2, AT_FDCWD, "/nowhere/a", AT_FDCWD, "/nowhere/b", 0));
    return asked && other && refused(run_a_program()) ? 0 : 2;
  });
  CHECK(child.exit_code() == 0);
}
