#include "cli/output.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace tpx::cli {

Output::Output(const StopSignal& stop) : stop_(stop) {
  struct stat status {};
  may_block_ = fstat(STDOUT_FILENO, &status) == 0 && !S_ISREG(status.st_mode);
}

Output::State Output::flush() {
  std::size_t done = 0;
  State state = State::Open;
  while (done < buffer_.size() && state == State::Open) {
    std::size_t piece = buffer_.size() - done;
    if (may_block_) {
      std::array<pollfd, 2> polled{{{STDOUT_FILENO, POLLOUT, 0}, {stop_.descriptor(), POLLIN, 0}}};
      if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
        state = State::Closed;
      } else if ((polled[0].revents & POLLOUT) == 0 && polled[1].revents != 0) {
        state = State::Interrupted;
      }
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
