#include "cli/systemd_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tpx::cli {

namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 64;

/// The variable's number, 0 without one; it is then no longer set for children.
int take_number(const char* name) {
  const char* value = std::getenv(name);
  const std::string_view text = value == nullptr ? std::string_view() : value;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  ::unsetenv(name);
  return whole ? number : 0;
}

bool listens(int descriptor) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

}  // namespace

Result<std::vector<UniqueFd>> take_systemd_sockets() {
  const int process = take_number("LISTEN_PID");
  const int count = take_number("LISTEN_FDS");
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
