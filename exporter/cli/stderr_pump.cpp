#include "cli/stderr_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>

#include "cli/privileges.h"

namespace tpx::cli {
namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr std::chrono::milliseconds kLastWords{500};

bool may_block(int descriptor) {
  struct stat status = {};
  return ::fstat(descriptor, &status) == 0 && !S_ISREG(status.st_mode);
}

/// False when nobody reads any more.
bool write_all(int descriptor, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(descriptor, bytes, size);
    if (count > 0) {
      bytes += count;
      size -= static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {  // the descriptor was given to us non-blocking
      pollfd polled = {descriptor, POLLOUT, 0};
      (void)::poll(&polled, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<StderrPump>> StderrPump::start() {
  if (!may_block(STDERR_FILENO)) {
    return nullptr;
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(os_failure("cannot create the pipe for the log", errno));
  }
  auto state = std::make_shared<State>();
  state->pipe = UniqueFd(ends[0]);
  const UniqueFd write_end(ends[1]);
  state->real = UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!state->real.valid()) {
    return fail(os_failure("cannot duplicate standard error", errno));
  }
  (void)::fcntl(write_end.get(), F_SETPIPE_SZ, kPipeBytes);
  (void)::fcntl(write_end.get(), F_SETFL, O_NONBLOCK);
  try {
    std::thread([state] { run(state); }).detach();
  } catch (const std::system_error& error) {
    return fail(os_failure("cannot start the log thread", error.code().value(), kThreadsHint));
  }
  std::unique_ptr<StderrPump> pump(new StderrPump(std::move(state)));
  if (::dup2(write_end.get(), STDERR_FILENO) < 0) {
    return fail(os_failure("cannot replace standard error", errno));
  }
  return pump;
}

void StderrPump::run(const std::shared_ptr<State>& state) {
  sigset_t all;
  sigfillset(&all);
  (void)::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  drop_all_capabilities();
  std::array<char, 4096> bytes;
  for (;;) {
    const ssize_t count = ::read(state->pipe.get(), bytes.data(), bytes.size());
    if (count == 0 || (count < 0 && errno != EINTR)) {
      break;
    }
    if (count > 0) {
      // Nobody reads any more: what comes is read all the same, so that the pipe does not fill.
      (void)write_all(state->real.get(), bytes.data(), static_cast<std::size_t>(count));
    }
  }
  const std::lock_guard lock(state->mutex);
  state->ended = true;
  state->changed.notify_all();
}

StderrPump::~StderrPump() {
  // The last writing end is closed with it: the thread ends when the pipe is empty.
  (void)::dup2(state_->real.get(), STDERR_FILENO);
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, kLastWords, [this] { return state_->ended; });
}

}  // namespace tpx::cli
