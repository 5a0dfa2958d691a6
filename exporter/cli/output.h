#pragma once

#include <cstddef>
#include <string>

#include "cli/stop_signal.h"

namespace tpx::cli {

/// Standard output, written in pieces that a slow reader does not make us wait for beyond a signal. Used by one thread.
class Output {
 public:
  explicit Output(const StopSignal& stop);

  /// Where to append; flush() sends it.
  [[nodiscard]] std::string& buffer() { return buffer_; }

  enum class State : unsigned char { Open, Closed, Interrupted };
  /// Writes all of the buffer. Closed: nobody reads any more, or the disk is full. Interrupted: a signal came and the
  /// reader made us wait for a second; what is left stays in the buffer.
  State flush();

 private:
  [[nodiscard]] State wait_for_reader() const;

  const StopSignal& stop_;
  bool may_block_ = false;
  std::string buffer_;
};

}  // namespace tpx::cli
