#pragma once

#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::cli {

/// SIGINT, SIGTERM and SIGHUP as something to wait for, so that every end is a clean one. SIGPIPE is ignored: a reader that
/// goes away shows as EPIPE. For commands of one thread.
class StopSignal {
 public:
  [[nodiscard]] static Result<StopSignal> make();

  /// Readable once a signal came.
  [[nodiscard]] int descriptor() const { return fd_.get(); }

  /// Waits until a signal came, the deadline (`milliseconds`, 0: only looks) passed, or nobody reads `output` any more
  /// (-1: no matter).
  enum class Event : unsigned char { None, Signal, OutputClosed };
  [[nodiscard]] Event wait(int milliseconds, int output = -1) const;

  /// The signal that came, as a person calls it: `Ctrl+C`, `SIGTERM`, `SIGHUP`; empty when none came. Takes it.
  [[nodiscard]] std::string take() const;

 private:
  explicit StopSignal(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace tpx::cli
