#include "kernel/support/loop_device.h"

#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "catch.h"

namespace tpx::test {

LoopDevice::LoopDevice(const std::string& directory, std::uint64_t bytes) : file_(directory + "/device.XXXXXX") {
  const UniqueFd file(mkostemp(file_.data(), O_CLOEXEC));
  REQUIRE(file.get() >= 0);
  REQUIRE(ftruncate(file.get(), static_cast<off_t>(bytes)) == 0);
  const UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  REQUIRE(control.get() >= 0);
  // Somebody else may take the free one meanwhile.
  for (int tries = 0; tries < 16 && number_ == 0; ++tries) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    REQUIRE(number >= 0);
    name_ = "loop" + std::to_string(number);
    device_ = UniqueFd(open(path().c_str(), O_RDWR | O_CLOEXEC));
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
    if (device_.get() >= 0 && ioctl(device_.get(), LOOP_CONFIGURE, &config) == 0) {
      number_ = device_number(name_);
    }
  }
  REQUIRE(number_ != 0);
}

LoopDevice::~LoopDevice() {
  ioctl(device_.get(), LOOP_CLR_FD, 0);
  unlink(file_.c_str());
}

void LoopDevice::set(const std::string& file, const std::string& value) const {
  std::ofstream out("/sys/block/" + name_ + "/queue/" + file);
  out << value << std::flush;
  INFO(file << " = " << value);
  REQUIRE(out.good());
}

std::string LoopDevice::add_partition(std::uint64_t start, std::uint64_t bytes) const {
  blkpg_partition partition{};
  partition.start = static_cast<long long>(start);
  partition.length = static_cast<long long>(bytes);
  partition.pno = 1;
  blkpg_ioctl_arg argument{BLKPG_ADD_PARTITION, 0, sizeof partition, &partition};
  REQUIRE(ioctl(device_.get(), BLKPG, &argument) == 0);
  return name_ + "p1";
}

std::uint64_t LoopDevice::statistic(std::size_t position) const {
  std::ifstream in("/sys/block/" + name_ + "/stat");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i <= position; ++i) {
    in >> value;
  }
  REQUIRE(in.good());
  return value;
}

bool ZramDevice::is_offered() {
  return access("/sys/class/zram-control/hot_add", R_OK) == 0;
}

ZramDevice::ZramDevice(std::uint64_t bytes) {
  std::ifstream("/sys/class/zram-control/hot_add") >> number_;
  REQUIRE(number_ >= 0);
  std::ofstream size("/sys/block/" + name() + "/disksize");
  size << bytes << std::flush;
  REQUIRE(size.good());
}

ZramDevice::~ZramDevice() {
  std::ofstream("/sys/block/" + name() + "/reset") << 1 << std::flush;
  std::ofstream("/sys/class/zram-control/hot_remove") << number_ << std::flush;
}

std::uint64_t device_number(const std::string& name) {
  std::ifstream in("/sys/class/block/" + name + "/dev");
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  char colon = 0;
  in >> major >> colon >> minor;
  REQUIRE_FALSE(in.fail());
  return major << 20 | minor;
}

MountPoint::MountPoint() : path_("/tmp/tpx-mount.XXXXXX") {
  REQUIRE(mkdtemp(path_.data()) != nullptr);
}

MountPoint::MountPoint(const std::string& source, const std::string& type, const std::string& options) : MountPoint() {
  mounted_ = mount(source.c_str(), path_.c_str(), type.c_str(), 0, options.c_str()) == 0;
  INFO(type << ": " << strerror(errno));
  REQUIRE(mounted_);
}

void MountPoint::unmount() {
  if (mounted_) {
    CHECK(umount2(path_.c_str(), 0) == 0);
    mounted_ = false;
  }
}

MountPoint::~MountPoint() {
  if (mounted_) {
    umount2(path_.c_str(), MNT_DETACH);
  }
  rmdir(path_.c_str());
}

}  // namespace tpx::test
