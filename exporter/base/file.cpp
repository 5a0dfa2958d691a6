#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"

namespace tpx {

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return fail(os_failure(path, errno));
  }
  std::string text;
  std::array<char, 1U << 13U> chunk{};  // small: a thread of the HTTP server has a stack of some 100 KiB
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail(os_failure(path, errno));
    }
    if (got == 0) {
      return text;
    }
    if (static_cast<std::size_t>(got) > limit - text.size()) {
      return fail(os_failure(path + ": more than " + std::to_string(limit) + " bytes", EFBIG));
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace tpx
