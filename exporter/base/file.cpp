#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"

namespace tpx {

namespace {

Result<void> require_regular(int fd, const std::string& path) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) {
    return fail(os_failure(path, errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(os_failure(path, EISDIR));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Error{path + ": not a regular file", "pipes, sockets and devices are not supported", {}, EINVAL});
  }
  return {};
}

}  // namespace

Result<void> check_regular_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) {
    return fail(os_failure(path, errno));
  }
  return require_regular(fd.get(), path);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  // Without O_NONBLOCK, opening a FIFO would wait for its writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    return fail(os_failure(path, errno));
  }
  if (auto regular = require_regular(fd.get(), path); !regular) {
    return fail(std::move(regular).error());
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

FileStamp stamp_of(const std::string& path) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) {
    return {};
  }
  return {file.st_dev, file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
}

}  // namespace tpx
