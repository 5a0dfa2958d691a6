#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace tpx::test {

/// A loop device of so many bytes over a sparse file of its own; both are gone on destruction. The test fails when the machine
/// has no loop device to spare.
class LoopDevice {
 public:
  /// The file lies in `directory`.
  LoopDevice(const std::string& directory, std::uint64_t bytes);
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  LoopDevice(LoopDevice&&) = delete;
  LoopDevice& operator=(LoopDevice&&) = delete;
  ~LoopDevice();

  [[nodiscard]] const std::string& name() const { return name_; }  ///< loop3
  [[nodiscard]] std::string path() const { return "/dev/" + name_; }
  /// As tracepoints give it: major << 20 | minor.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  /// Writes a file of /sys/block/NAME/queue.
  void set(const std::string& file, const std::string& value) const;
  /// The first partition, `bytes` from `start` on: its name.
  [[nodiscard]] std::string add_partition(std::uint64_t start, std::uint64_t bytes) const;
  /// A number of /sys/block/NAME/stat: 0 reads, 4 writes, 11 discards, 15 flushes.
  [[nodiscard]] std::uint64_t statistic(std::size_t position) const;

 private:
  UniqueFd device_;
  std::string file_;
  std::string name_;
  std::uint64_t number_ = 0;
};

/// A compressed device in memory of so many bytes, gone on destruction.
class ZramDevice {
 public:
  explicit ZramDevice(std::uint64_t bytes);
  ZramDevice(const ZramDevice&) = delete;
  ZramDevice& operator=(const ZramDevice&) = delete;
  ZramDevice(ZramDevice&&) = delete;
  ZramDevice& operator=(ZramDevice&&) = delete;
  ~ZramDevice();

  /// Whether this kernel can make one.
  [[nodiscard]] static bool is_offered();
  [[nodiscard]] std::string name() const { return "zram" + std::to_string(number_); }

 private:
  int number_ = -1;
};

/// The number of a device of /sys/class/block, as tracepoints give it.
[[nodiscard]] std::uint64_t device_number(const std::string& name);

/// A directory of the test's own, mounted with a file system or not; gone on destruction.
class MountPoint {
 public:
  /// An empty directory.
  MountPoint();
  /// With a file system mounted; the test fails when that can't be done.
  MountPoint(const std::string& source, const std::string& type, const std::string& options);
  MountPoint(const MountPoint&) = delete;
  MountPoint& operator=(const MountPoint&) = delete;
  MountPoint(MountPoint&&) = delete;
  MountPoint& operator=(MountPoint&&) = delete;
  ~MountPoint();

  [[nodiscard]] const std::string& path() const { return path_; }
  void unmount();

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace tpx::test
