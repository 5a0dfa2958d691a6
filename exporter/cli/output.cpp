#include "cli/output.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace tpx::cli {

namespace {
constexpr int kGrace = 1000;  ///< milliseconds that a reader has after a signal
}  // namespace

Output::Output(const StopSignal& stop) : stop_(stop) {
  struct stat status{};
  may_block_ = fstat(STDOUT_FILENO, &status) == 0 && !S_ISREG(status.st_mode);
}

Output::State Output::wait_for_reader() const {
  std::array<pollfd, 2> polled{{{STDOUT_FILENO, POLLOUT, 0}, {stop_.descriptor(), POLLIN, 0}}};
  poll(polled.data(), polled.size(), -1);
  if (polled[0].revents == 0 && polled[1].revents != 0) {
    // Told to stop: a reader that still reads gets what there is.
    poll(polled.data(), 1, kGrace);
  }
  return polled[0].revents == 0 ? State::Interrupted : State::Open;
}

Output::State Output::flush() {
  std::size_t done = 0;
  State state = State::Open;
  while (done < buffer_.size() && state == State::Open) {
    std::size_t piece = buffer_.size() - done;
    if (may_block_) {
      state = wait_for_reader();
      // A pipe that is writable takes this much without waiting.
      piece = std::min<std::size_t>(piece, PIPE_BUF);
    }
    if (state != State::Open) {
      break;
    }
    const ssize_t written = ::write(STDOUT_FILENO, buffer_.data() + done, piece);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno != EINTR && errno != EAGAIN) {
      state = State::Closed;
    }
  }
  buffer_.erase(0, done);
  return state;
}

}  // namespace tpx::cli
