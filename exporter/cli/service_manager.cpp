#include "cli/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <ctime>

#include "base/number.h"
#include "cli/environment.h"

namespace tpx::cli {

ServiceManager::ServiceManager() : address_(take_variable("NOTIFY_SOCKET")) {
  const auto period = whole_number<std::uint64_t>(take_variable("WATCHDOG_USEC"));
  const std::string watched = take_variable("WATCHDOG_PID");
  if (period && (watched.empty() || whole_number<pid_t>(watched) == ::getpid())) {
    // Half of the limit, as sd_watchdog_enabled(3) recommends.
    watchdog_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(*period / 2));
  }
  if (!address_.empty() && (address_.front() == '/' || address_.front() == '@')) {
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
}

void ServiceManager::send(const std::string& message) const {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (!socket_.valid() || address_.size() >= sizeof to.sun_path) {
    return;
  }
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') {  // an abstract address
    to.sun_path[0] = '\0';
  }
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  static_cast<void>(::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), length));
}

void ServiceManager::ready(const std::string& status) {
  send("READY=1\nSTATUS=" + status + "\n");
}

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\nSTATUS=reloading the configuration\n");
}

void ServiceManager::stopping() {
  send("STOPPING=1\n");
}

void ServiceManager::alive() {
  send("WATCHDOG=1\n");
}

}  // namespace tpx::cli
