#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::cli {

/// Makes writes to standard error never wait: descriptor 2 becomes a non-blocking pipe, and a thread passes on what it holds
/// to the real standard error. So a reader that stops reading (a full pipe, a stopped terminal) stops that thread alone.
/// What does not fit the pipe (1 MiB where the system allows it) is lost; a writer sees EAGAIN.
class StderrPump {
 public:
  /// Null where standard error is a file, which does not block. Fails when there is no descriptor or thread left.
  [[nodiscard]] static Result<std::unique_ptr<StderrPump>> start();
  StderrPump(const StderrPump&) = delete;
  StderrPump& operator=(const StderrPump&) = delete;
  /// Puts the real standard error back, after at most half a second for what is still to be passed on.
  ~StderrPump();

 private:
  /// What the thread uses; it may outlive the pump, blocked.
  struct State {
    UniqueFd pipe;  ///< the end to read from
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
