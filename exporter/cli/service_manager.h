#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace tpx::cli {

/// Tells the service manager the state of this process by the protocol of sd_notify(3). Does nothing where no NOTIFY_SOCKET
/// is set. Not thread-safe. Messages that the manager does not take at once are dropped: they never block.
class ServiceManager {
 public:
  /// From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which it removes from the environment.
  ServiceManager();

  void ready(const std::string& status);
  /// The start of a reload, which ready() ends.
  void reloading();
  void stopping();
  /// To be called at least this often; nothing when the manager does not watch this process.
  [[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_period() const { return watchdog_; }
  void alive();

 private:
  void send(const std::string& message) const;

  UniqueFd socket_;
  std::string address_;
  std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace tpx::cli
