#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::cli {

/// Makes writes to standard error non-blocking: descriptor 2 becomes a non-blocking pipe, and a thread copies its contents
/// to the real standard error. If the reader stops reading (a full pipe, a stopped terminal), only that thread blocks. When
/// the pipe is full (1 MiB where the system allows it), writes fail with EAGAIN and the data is lost.
class StderrPump {
 public:
  /// Null where standard error is a file, which does not block. Fails when there is no descriptor or thread left.
  [[nodiscard]] static Result<std::unique_ptr<StderrPump>> start();
  StderrPump(const StderrPump&) = delete;
  StderrPump& operator=(const StderrPump&) = delete;
  /// Waits at most half a second for the pipe to drain, then restores the real standard error.
  ~StderrPump();

 private:
  /// State of the thread, which may still be blocked when the pump is destroyed.
  struct State {
    UniqueFd pipe;  ///< its read end
    UniqueFd real;  ///< standard error
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
  };
  explicit StderrPump(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace tpx::cli
