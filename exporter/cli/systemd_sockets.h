#pragma once

#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::cli {

/// The listening sockets that the service manager has opened for this process (socket activation: LISTEN_PID and LISTEN_FDS,
/// sd_listen_fds(3)), which nothing else uses from now on. Fails when there are none, or one is no listening stream socket.
/// Call it once, before other descriptors are opened.
[[nodiscard]] Result<std::vector<UniqueFd>> take_systemd_sockets();

}  // namespace tpx::cli
