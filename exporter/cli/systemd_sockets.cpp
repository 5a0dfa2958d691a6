#include "cli/systemd_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/number.h"
#include "cli/environment.h"

namespace tpx::cli {

namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 64;

bool listens(int descriptor) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

}  // namespace

Result<std::vector<UniqueFd>> take_systemd_sockets() {
  const auto process = whole_number<pid_t>(take_variable("LISTEN_PID"));
  const int count = whole_number<int>(take_variable("LISTEN_FDS")).value_or(0);
  if (process != ::getpid() || count <= 0 || count > kMost) {
    return fail("the service manager has passed no sockets",
                "start it by a .socket unit, or without --web.systemd-socket");
  }
  std::vector<UniqueFd> sockets;
  for (int descriptor = kFirst; descriptor < kFirst + count; ++descriptor) {
    if (!listens(descriptor)) {
      return fail("descriptor " + std::to_string(descriptor) + " of the service manager is no listening socket",
                  "use ListenStream= with a port in the .socket unit");
    }
    sockets.emplace_back(descriptor);
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
      return fail(os_failure("can't set up a socket of the service manager", errno));
    }
  }
  return sockets;
}

}  // namespace tpx::cli
