#include "kernel/support/perf_counter.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "catch.h"
#include "kernel/support/session.h"

namespace tpx::test {

PerfCounter::PerfCounter(const std::string& event, Of whose) {
  const auto slash = event.find('/');
  const auto format = this_kernel().tracefs.format(event.substr(0, slash), event.substr(slash + 1));
  REQUIRE(format.has_value());
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = format->id;
  const bool own = whose == Of::ThisThread;
  const long cpus = own ? 0 : std::max(sysconf(_SC_NPROCESSORS_CONF), 1L) - 1;
  for (long cpu = 0; cpu <= cpus; ++cpu) {
    UniqueFd opened(static_cast<int>(
        syscall(SYS_perf_event_open, &attributes, own ? 0 : -1, own ? -1 : cpu, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!opened.valid() && errno == ENODEV) {
      continue;  // a CPU that is not online
    }
    REQUIRE(opened.valid());
    events_.push_back(std::move(opened));
  }
}

std::uint64_t PerfCounter::count() const {
  std::uint64_t sum = 0;
  for (const UniqueFd& event : events_) {
    std::uint64_t count = 0;
    REQUIRE(read(event.get(), &count, sizeof count) == sizeof count);
    sum += count;
  }
  return sum;
}

}  // namespace tpx::test
