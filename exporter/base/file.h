#pragma once

#include <string>

#include "base/error.h"

namespace tpx {

/// The whole of a regular file. Works on procfs, sysfs and tracefs files, whose size reads as 0. Fails, with the errno,
/// when the file can't be read, holds more than `limit` bytes, or is a pipe, a socket or a device, which could make the
/// reader wait for ever.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20U);

/// The same check for a file that a library opens: fails when `path` is missing or not a regular file.
[[nodiscard]] Result<void> check_regular_file(const std::string& path);

}  // namespace tpx
