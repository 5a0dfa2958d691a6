#include "cli/service_signals.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/privileges.h"

namespace tpx::cli {
namespace {

/// What a clean stop may take; then the process ends without one. The kernel detaches what it had attached, but for pins.
constexpr std::chrono::milliseconds kCleanStop{800};

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

Result<std::unique_ptr<ServiceSignals>> ServiceSignals::start() {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = handled_signals();
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto state = std::make_shared<State>();
  try {
    std::thread([state] { run(state); }).detach();
  } catch (const std::system_error& error) {
    return fail(os_failure("cannot start the thread that takes signals", error.code().value(), kThreadsHint));
  }
  return std::unique_ptr<ServiceSignals>(new ServiceSignals(std::move(state)));
}

void ServiceSignals::run(const std::shared_ptr<State>& state) {
  drop_all_capabilities();
  const sigset_t signals = handled_signals();
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) {
      continue;
    }
    std::unique_lock lock(state->mutex);
    if (signal == SIGHUP) {
      state->reload = true;
      state->changed.notify_all();
      continue;
    }
    state->stop = signal;
    state->changed.notify_all();
    if (!state->changed.wait_for(lock, kCleanStop, [&] { return state->done; })) {
      static constexpr std::string_view kLate = "shutdown takes too long: exiting without cleanup\n";
      (void)!::write(STDERR_FILENO, kLate.data(), kLate.size());
      ::_exit(0);
    }
    return;
  }
}

ServiceSignals::~ServiceSignals() {
  const std::lock_guard lock(state_->mutex);
  state_->done = true;
  state_->changed.notify_all();
}

void ServiceSignals::reload() {
  const std::lock_guard lock(state_->mutex);
  state_->reload = true;
  state_->changed.notify_all();
}

ServiceSignals::Event ServiceSignals::wait(std::optional<std::chrono::milliseconds> most) {
  std::unique_lock lock(state_->mutex);
  const auto any = [this] { return state_->stop != 0 || state_->reload; };
  if (!most) {
    state_->changed.wait(lock, any);
  } else if (!state_->changed.wait_for(lock, *most, any)) {
    return Event::None;
  }
  if (state_->stop != 0) {
    return state_->stop == SIGINT ? Event::Interrupt : Event::Terminate;
  }
  state_->reload = false;
  return Event::Reload;
}

}  // namespace tpx::cli
