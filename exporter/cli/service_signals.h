#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"

namespace tpx::cli {

/// Receives the service's signals in a dedicated thread, so that SIGINT and SIGTERM stop the process within a second,
/// whatever its other threads wait for: the load of a large configuration, a client, a disk. Blocks the signals in the
/// calling thread and in threads that it starts later. Ignores SIGPIPE.
class ServiceSignals {
 public:
  enum class Event : unsigned char { None, Reload, Interrupt, Terminate };

  [[nodiscard]] static Result<std::unique_ptr<ServiceSignals>> start();
  ServiceSignals(const ServiceSignals&) = delete;
  ServiceSignals& operator=(const ServiceSignals&) = delete;
  /// From here on signals no longer stop the process; only the return from main() does.
  ~ServiceSignals();

  /// Waits for the next event, or until `most` has passed (None). Pending SIGHUPs are merged; a stop signal takes
  /// precedence.
  [[nodiscard]] Event wait(std::optional<std::chrono::milliseconds> most = std::nullopt);
  /// The same as a SIGHUP. Any thread.
  void reload();

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool reload = false;
    int stop = 0;  ///< the signal
    bool done = false;
  };
  explicit ServiceSignals(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace tpx::cli
