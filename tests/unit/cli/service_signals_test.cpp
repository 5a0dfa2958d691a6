#include "cli/service_signals.h"

#include <csignal>

#include "catch.h"
#include "unit/cli/in_child.h"

using namespace tpx;
using namespace tpx::cli;
using tpx::test::InChild;
using Event = ServiceSignals::Event;

namespace {

constexpr int kFailed = 1;

bool next_is(ServiceSignals& signals, int sent, Event expected) {
  ::kill(::getpid(), sent);
  return signals.wait() == expected;
}

}  // namespace

TEST_CASE("SIGHUP asks for a reload, SIGINT and SIGTERM for the end") {
  for (const auto& last : {std::pair(SIGINT, Event::Interrupt), std::pair(SIGTERM, Event::Terminate)}) {
    InChild child([last] {
      const auto signals = ServiceSignals::start();
      const bool right = signals && next_is(**signals, SIGHUP, Event::Reload) &&
                         next_is(**signals, SIGHUP, Event::Reload) && next_is(**signals, last.first, last.second);
      return right ? 0 : kFailed;
    });
    CHECK(child.exit_code() == 0);
    CHECK(child.errors().empty());
  }
}

TEST_CASE("the end comes before a reload that nobody has taken yet") {
  InChild child([] {
    const auto signals = ServiceSignals::start();
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGTERM);
    // Both are sent; which of them its thread has taken so far is open, so the reload may come first, but not after the end.
    const Event first = (*signals)->wait();
    const Event last = first == Event::Reload ? (*signals)->wait() : first;
    return last == Event::Terminate && (*signals)->wait() == Event::Terminate ? 0 : kFailed;
  });
  CHECK(child.exit_code() == 0);
}

TEST_CASE("a stop that takes too long is cut short, and says so") {
  InChild child([] {
    const auto signals = ServiceSignals::start();
    ::kill(::getpid(), SIGTERM);
    for (;;) {
      ::pause();
    }
    return kFailed;
  });
  CHECK(child.errors() == "shutdown takes too long: exiting without cleanup\n");
  CHECK(child.exit_code() == 0);
}

TEST_CASE("a client that is gone is an error of write(), not the end of the process") {
  InChild child([] {
    const auto signals = ServiceSignals::start();
    int ends[2];
    if (!signals || ::pipe(ends) != 0) {
      return kFailed;
    }
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) == -1 ? 0 : kFailed;
  });
  CHECK(child.exit_code() == 0);
}
