// Rows of the event.field table: block/*, by real I/O on a loop device. See field_table_test.cpp for the scheduler, interrupts
// and system calls.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/unique_fd.h"
#include "catch.h"
#include "kernel/support/both_types.h"
#include "kernel/support/loop_device.h"
#include "kernel/support/session.h"
#include "skip.h"

namespace tpx::test {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::uint64_t kMebibyte = 1 << 20;

/// Memory that direct I/O takes.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) : bytes_(bytes), memory_(std::aligned_alloc(kBlock, bytes), &std::free) {
    REQUIRE(memory_ != nullptr);
    std::memset(memory_.get(), 'x', bytes);
  }
  [[nodiscard]] char* data() const { return static_cast<char*>(memory_.get()); }
  [[nodiscard]] std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_;
  std::unique_ptr<void, decltype(&std::free)> memory_;
};

UniqueFd open_device(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC));
  REQUIRE(fd.get() >= 0);
  return fd;
}

/// Reads and writes past the page cache, synchronous ones and flushes among them.
void transfer_directly(const std::string& path, std::size_t bytes) {
  const Buffer buffer(bytes);
  const auto size = static_cast<ssize_t>(bytes);
  const UniqueFd direct = open_device(path, O_RDWR | O_DIRECT);
  const UniqueFd synchronous = open_device(path, O_RDWR | O_DIRECT | O_DSYNC);
  for (off_t i = 0; i < 16; ++i) {
    CHECK(pwrite(direct.get(), buffer.data(), bytes, i * size) == size);
    CHECK(pread(direct.get(), buffer.data(), bytes, i * size) == size);
    CHECK(pwrite(synchronous.get(), buffer.data(), bytes, i * size) == size);
  }
  CHECK(fdatasync(direct.get()) == 0);
}

/// Operations of the kernel's own: discard, zeroes.
void discard(const std::string& path) {
  const UniqueFd fd = open_device(path, O_RDWR);
  for (std::uint64_t i = 0; i < 8; ++i) {
    std::array<std::uint64_t, 2> range{i * kMebibyte, kMebibyte / 2};
    CHECK(ioctl(fd.get(), BLKDISCARD, range.data()) == 0);
    CHECK(ioctl(fd.get(), BLKZEROOUT, range.data()) == 0);
  }
}

/// Through the page cache: readahead, and writes that are merged.
void transfer_cached(const std::string& path) {
  const Buffer buffer(kMebibyte);
  const UniqueFd fd = open_device(path, O_RDWR);
  CHECK(write(fd.get(), buffer.data(), buffer.size()) == static_cast<ssize_t>(buffer.size()));
  CHECK(fsync(fd.get()) == 0);
  CHECK(posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
  CHECK(lseek(fd.get(), 0, SEEK_SET) == 0);
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(read(fd.get(), buffer.data(), kBlock) == static_cast<ssize_t>(kBlock));
  }
  CHECK(ioctl(fd.get(), BLKFLSBUF, 0) == 0);
}

/// Writes that are given to the kernel at once, upwards and downwards: each is merged with the one before it.
void write_at_once(const std::string& path) {
  constexpr std::size_t kWrites = 16;
  const Buffer buffer(kBlock);
  const UniqueFd fd = open_device(path, O_RDWR | O_DIRECT);
  aio_context_t context = 0;
  REQUIRE(syscall(SYS_io_setup, kWrites, &context) == 0);
  for (const bool upwards : {true, false}) {
    std::array<iocb, kWrites> writes{};
    std::array<iocb*, kWrites> list{};
    for (std::size_t i = 0; i < kWrites; ++i) {
      writes[i].aio_lio_opcode = IOCB_CMD_PWRITE;
      writes[i].aio_fildes = static_cast<std::uint32_t>(fd.get());
      writes[i].aio_buf = reinterpret_cast<std::uintptr_t>(buffer.data());
      writes[i].aio_nbytes = kBlock;
      writes[i].aio_offset = static_cast<std::int64_t>(kBlock * (upwards ? i : kWrites - i));
      list[i] = &writes[i];
    }
    CHECK(syscall(SYS_io_submit, context, kWrites, list.data()) == kWrites);
    std::array<io_event, kWrites> done{};
    CHECK(syscall(SYS_io_getevents, context, kWrites, kWrites, done.data(), nullptr) == kWrites);
  }
  CHECK(syscall(SYS_io_destroy, context) == 0);
}

/// A file system's: metadata, barriers.
void use_file_system(const std::string& device) {
  REQUIRE(std::system(("/sbin/mkfs.ext4 -q -F " + device).c_str()) == 0);
  MountPoint mounted(device, "ext4", "");
  const Buffer buffer(kBlock);
  for (int i = 0; i < 32; ++i) {
    const std::string path = mounted.path() + "/file" + std::to_string(i);
    const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(fd.get() >= 0);
    CHECK(write(fd.get(), buffer.data(), buffer.size()) == static_cast<ssize_t>(buffer.size()));
    CHECK(fsync(fd.get()) == 0);
    if (i % 2 == 0) {
      CHECK(unlink(path.c_str()) == 0);
    }
  }
  mounted.unmount();
}

std::string with_priority(const std::string& event, std::string fields) {
  const auto slash = event.find('/');
  const auto format = this_kernel().tracefs.format(event.substr(0, slash), event.substr(slash + 1));
  REQUIRE(format.has_value());
  return format->find("ioprio") == nullptr ? fields : fields + ", ioprio: args.ioprio";
}

TEST_CASE("block requests' arguments give what their records say", "[kernel]") {
  const MountPoint directory;
  const LoopDevice device(directory.path(), 64 * kMebibyte);
  device.set("scheduler", "mq-deadline");  // with a scheduler requests are inserted before they are issued
  const std::string filter = "args.dev == " + std::to_string(device.number());
  std::vector<Compared> events;
  for (const auto& [name, at_least] :
       {std::pair{"rq_issue", 100U}, {"rq_insert", 100U}, {"rq_merge", 0U}, {"io_start", 100U}, {"io_done", 100U}}) {
    const std::string event = std::string("block/block_") + name;
    if (this_kernel().tracefs.format("block", std::string("block_") + name)) {
      events.push_back({event,
                        with_priority(event,
                                      "dev: args.dev, sector: args.sector, sectors: args.nr_sector, bytes: args.bytes, "
                                      "operation: args.rwbs, comm: args.comm, cmd: args.cmd"),
                        filter, at_least});
    }
  }
  events.push_back({"block/block_rq_requeue",
                    with_priority("block/block_rq_requeue",
                                  "dev: args.dev, sector: args.sector, sectors: args.nr_sector, operation: args.rwbs"),
                    filter, 0});
  events.push_back({"block/block_rq_complete",
                    with_priority("block/block_rq_complete",
                                  "dev: args.dev, sector: args.sector, sectors: args.nr_sector, error: args.error, "
                                  "operation: args.rwbs, cmd: args.cmd"),
                    filter, 100});
  compare(events, [&] {
    transfer_directly(device.path(), 2 * kBlock);
    discard(device.path());
    transfer_cached(device.path());
    write_at_once(device.path());
    use_file_system(device.path());
  });
}

TEST_CASE("block operations' arguments give what their records say", "[kernel]") {
  const MountPoint directory;
  const LoopDevice device(directory.path(), 64 * kMebibyte);
  device.set("max_sectors_kb", "64");
  const std::string partition = device.add_partition(kMebibyte, 32 * kMebibyte);
  const std::string filter = "args.dev == " + std::to_string(device.number());
  const std::string fields = "dev: args.dev, sector: args.sector, sectors: args.nr_sector, operation: args.rwbs";
  const std::string by_whom = fields + ", comm: args.comm";
  compare(
      {{"block/block_bio_queue", by_whom, filter, 100},
       {"block/block_bio_backmerge", by_whom, filter, 15},
       {"block/block_bio_frontmerge", by_whom, filter, 15},
       {"block/block_getrq", by_whom, filter, 100},
       {"block/block_split",
        "dev: args.dev, sector: args.sector, new: args.new_sector, operation: args.rwbs, comm: args.comm", filter, 16},
       {"block/block_plug", "comm: args.comm", "tid == " + std::to_string(gettid()), 1},
       {"block/block_unplug", "comm: args.comm, requests: args.nr_rq", "tid == " + std::to_string(gettid()), 1},
       {"block/block_touch_buffer", "dev: args.dev, sector: args.sector, size: args.size", filter, 1},
       {"block/block_dirty_buffer", "dev: args.dev, sector: args.sector, size: args.size", filter, 1}},
      [&] {
        transfer_directly(device.path(), kMebibyte);
        discard(device.path());
        transfer_cached(device.path());
        write_at_once(device.path());
        transfer_directly("/dev/" + partition, kBlock);  // its operations name the disk
        use_file_system(device.path());
      });
}

TEST_CASE("block_bio_remap's arguments give what its record says", "[kernel]") {
  const MountPoint directory;
  const LoopDevice device(directory.path(), 64 * kMebibyte);
  const std::string partition = device.add_partition(kMebibyte, 32 * kMebibyte);
  compare(
      "block/block_bio_remap",
      "dev: args.dev, sector: args.sector, sectors: args.nr_sector, old: args.old_dev, from: args.old_sector, "
      "operation: "
      "args.rwbs",
      "args.old_dev == " + std::to_string(device_number(partition)),
      [&] { transfer_directly("/dev/" + partition, kBlock); }, 48);
}

TEST_CASE("block_bio_complete's arguments give what its record says", "[kernel]") {
  // Fired for devices that take operations as they are, without requests.
  if (!ZramDevice::is_offered()) {
    TPX_SKIP("no zram: no device without requests");
  }
  const ZramDevice device(16 * kMebibyte);
  compare(
      "block/block_bio_complete",
      "dev: args.dev, sector: args.sector, sectors: args.nr_sector, error: args.error, operation: args.rwbs",
      "args.dev == " + std::to_string(device_number(device.name())),
      [&] { transfer_directly("/dev/" + device.name(), 2 * kBlock); }, 48);
}

TEST_CASE("requests that fail give by arguments the errors that their records say", "[kernel]") {
  // A file that can't grow: writes beyond what is there fail.
  const MountPoint small("tmpfs", "tmpfs", "size=1m");
  const LoopDevice device(small.path(), 16 * kMebibyte);
  const std::string filter = "args.dev == " + std::to_string(device.number()) + " && args.error != 0";
  std::vector<Compared> events;
  for (const char* name : {"block_rq_complete", "block_rq_error"}) {
    if (this_kernel().tracefs.format("block", name)) {
      events.push_back({std::string("block/") + name,
                        "sector: args.sector, sectors: args.nr_sector, error: args.error, operation: args.rwbs", filter,
                        16});
    }
  }
  compare(events, [&] {
    const Buffer buffer(kBlock);
    const UniqueFd fd = open_device(device.path(), O_RDWR | O_DIRECT);
    int failed = 0;
    for (off_t i = 0; failed < 16 && i < 1024; ++i) {
      failed += pwrite(fd.get(), buffer.data(), kBlock, i * static_cast<off_t>(kBlock)) < 0 ? 1 : 0;
    }
    CHECK(failed >= 16);
  });
}

}  // namespace
}  // namespace tpx::test
