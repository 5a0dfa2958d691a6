#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace tpx {

/// The whole of a regular file. Works on procfs, sysfs and tracefs files, whose size reads as 0. Fails, with the errno,
/// when the file can't be read, holds more than `limit` bytes, or is a pipe, a socket or a device, which could make the
/// reader wait for ever.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20U);

/// The same check for a file that a library opens: fails when `path` is missing or not a regular file.
[[nodiscard]] Result<void> check_regular_file(const std::string& path);

/// Other for a file that was replaced or written: what is compared to notice that.
struct FileStamp {
  std::uint64_t device = 0, inode = 0;  ///< 0 where there is no file
  std::int64_t size = 0, seconds = 0, nanoseconds = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Of the file that `path` leads to, through symbolic links.
[[nodiscard]] FileStamp stamp_of(const std::string& path);

}  // namespace tpx
