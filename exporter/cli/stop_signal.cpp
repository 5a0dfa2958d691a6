#include "cli/stop_signal.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace tpx::cli {

Result<StopSignal> StopSignal::make() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) {
    return fail(os_failure("can't wait for signals", errno));
  }
  return StopSignal(std::move(fd));
}

StopSignal::Event StopSignal::wait(int milliseconds, int output) const {
  // Without an event asked for, poll still tells when the reader is gone.
  std::array<pollfd, 2> polled{{{fd_.get(), POLLIN, 0}, {output, 0, 0}}};
  if (poll(polled.data(), polled.size(), milliseconds) <= 0) {
    return Event::None;
  }
  if (polled[0].revents != 0) {
    return Event::Signal;
  }
  return Event::OutputClosed;
}

std::string StopSignal::take() const {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    return {};
  }
  return info.ssi_signo == SIGINT ? "Ctrl+C" : info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGHUP";
}

}  // namespace tpx::cli
