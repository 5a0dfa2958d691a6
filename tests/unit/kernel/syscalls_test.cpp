#include "kernel/syscalls.h"

#include <sys/syscall.h>

#include "catch.h"
#include "kernel/tracefs.h"
#include "support/fixtures.h"

using tpx::kernel::syscall_name;
using tpx::kernel::syscall_number_of_event;

TEST_CASE("numbers have names", "[syscalls]") {
  CHECK(syscall_name(SYS_openat) == "openat");
  CHECK(syscall_name(SYS_read) == "read");
  CHECK(syscall_name(SYS_fcntl) == "fcntl");
  CHECK(syscall_name(451) == "cachestat");
  CHECK(syscall_name(469) == "file_setattr");
  CHECK_FALSE(syscall_name(5000));
  CHECK_FALSE(syscall_name(~std::uint64_t{0}));
}

TEST_CASE("event names that are not the call's have its number", "[syscalls]") {
  CHECK(syscall_number_of_event("newfstat") == SYS_fstat);
  CHECK(syscall_number_of_event("newuname") == SYS_uname);
  CHECK(syscall_number_of_event("sendfile64") == SYS_sendfile);
  CHECK(syscall_number_of_event("umount") == SYS_umount2);
  CHECK(syscall_number_of_event("openat") == SYS_openat);
  CHECK_FALSE(syscall_number_of_event("no_such_call"));
  CHECK_FALSE(syscall_number_of_event(""));
}

#ifdef __x86_64__
TEST_CASE("every system call event of the recorded kernels has a number", "[syscalls][recorded]") {
  for (const auto release : tpx::test::kRecordedReleases) {
    const auto tracefs = tpx::kernel::Tracefs::open(tpx::test::recorded_directory(release));
    REQUIRE(tracefs);
    for (const std::string prefix : {"syscalls/sys_enter_", "syscalls/sys_exit_"}) {
      const auto events = tracefs->match(prefix + "*");
      REQUIRE(events);
      for (const auto& event : *events) {
        INFO(event);
        CHECK(syscall_number_of_event(event.substr(prefix.size())));
      }
    }
  }
}
#endif
