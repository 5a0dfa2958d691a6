#pragma once

#include <string>

#include "base/error.h"

namespace tpx {

/// The whole of a file. Works on procfs, sysfs and tracefs files, whose size reads as 0. Fails, with the errno, when
/// the file can't be read or holds more than `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20U);

}  // namespace tpx
