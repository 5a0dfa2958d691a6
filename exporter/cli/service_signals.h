#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/error.h"

namespace tpx::cli {

/// The signals of a service, taken by a thread of their own, so that SIGINT and SIGTERM end the process within a second
/// whatever its other threads wait for: a load of a large configuration, a client, a disk. Blocks the signals in the calling
/// thread and those it makes later; SIGPIPE is ignored.
class ServiceSignals {
 public:
  enum class Event : unsigned char { Reload, Interrupt, Terminate };

  [[nodiscard]] static Result<std::unique_ptr<ServiceSignals>> start();
  ServiceSignals(const ServiceSignals&) = delete;
  ServiceSignals& operator=(const ServiceSignals&) = delete;
  /// From here on nothing ends the process but the end of main().
  ~ServiceSignals();

  /// The next event. Several SIGHUPs that wait are one; a stop comes before them.
  [[nodiscard]] Event wait();

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
