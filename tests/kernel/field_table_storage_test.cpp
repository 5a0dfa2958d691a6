// Rows of the event.field table: file systems, the page cache, writeback. Every field that the table gives on this kernel.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/unique_fd.h"
#include "catch.h"
#include "kernel/support/both_types.h"
#include "kernel/support/loop_device.h"
#include "kernel/support/mapped_fields.h"

namespace tpx::test {
namespace {

constexpr std::uint64_t kBytes = 64 << 20;

void make_file_system(const LoopDevice& device) {
  REQUIRE(std::system(("/sbin/mkfs.ext4 -q -F " + device.path()).c_str()) == 0);
}

/// Files made, written, read again from the disk, cut and taken away.
void use_files(const std::string& directory) {
  const std::string text(16'384, 'x');
  std::string back(text.size(), ' ');
  for (int i = 0; i < 16; ++i) {
    const std::string path = directory + "/file" + std::to_string(i);
    const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(fd.get() >= 0);
    CHECK(fallocate(fd.get(), 0, 0, 8192) == 0);
    CHECK(write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    CHECK(fsync(fd.get()) == 0);
    CHECK(posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
    CHECK(pread(fd.get(), back.data(), back.size(), 0) == static_cast<ssize_t>(back.size()));
    CHECK(ftruncate(fd.get(), 4096) == 0);
    if (i % 2 == 0) {
      CHECK(unlink(path.c_str()) == 0);
    }
  }
  const UniqueFd root(open(directory.c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(syncfs(root.get()) == 0);
}

void compare_on_ext4(const std::vector<Compared>& events, const LoopDevice& device) {
  compare(events, [&] {
    MountPoint mounted(device.path(), "ext4", "");
    use_files(mounted.path());
    mounted.unmount();
  });
}

TEST_CASE("ext4's arguments give what its records say", "[kernel]") {
  const MountPoint directory;
  const LoopDevice device(directory.path(), kBytes);
  make_file_system(device);
  const std::string filter = "args.dev == " + std::to_string(device.number());
  auto events = all_mapped(
      {"ext4/ext4_allocate_inode", "ext4/ext4_free_inode", "ext4/ext4_evict_inode", "ext4/ext4_request_inode",
       "ext4/ext4_sync_file_enter", "ext4/ext4_sync_file_exit", "ext4/ext4_sync_fs", "ext4/ext4_unlink_enter",
       "ext4/ext4_unlink_exit", "ext4/ext4_truncate_enter", "ext4/ext4_truncate_exit", "ext4/ext4_da_write_begin",
       "ext4/ext4_da_write_end", "ext4/ext4_writepages", "ext4/ext4_writepages_result", "ext4/ext4_mark_inode_dirty"},
      filter, 1);
  const auto rare =
      all_mapped({"ext4/ext4_write_begin", "ext4/ext4_write_end", "ext4/ext4_discard_blocks", "ext4/ext4_free_blocks",
                  "ext4/ext4_fallocate_enter", "ext4/ext4_fallocate_exit", "ext4/ext4_punch_hole",
                  "ext4/ext4_load_inode", "ext4/ext4_da_reserve_space", "ext4/ext4_alloc_da_blocks",
                  "ext4/ext4_begin_ordered_truncate", "ext4/ext4_drop_inode", "ext4/ext4_journal_start_sb",
                  "ext4/ext4_journal_start_inode", "ext4/ext4_journal_start_reserved"},
                 filter, 0);
  events.insert(events.end(), rare.begin(), rare.end());
  compare_on_ext4(events, device);
}

TEST_CASE("jbd2's arguments give what its records say", "[kernel]") {
  const MountPoint directory;
  const LoopDevice device(directory.path(), kBytes);
  make_file_system(device);
  const std::string filter = "args.dev == " + std::to_string(device.number());
  auto events = all_mapped(
      {"jbd2/jbd2_start_commit", "jbd2/jbd2_commit_locking", "jbd2/jbd2_commit_flushing", "jbd2/jbd2_commit_logging",
       "jbd2/jbd2_end_commit", "jbd2/jbd2_handle_start", "jbd2/jbd2_handle_stats", "jbd2/jbd2_run_stats"},
      filter, 1);
  const auto rare =
      all_mapped({"jbd2/jbd2_checkpoint", "jbd2/jbd2_checkpoint_stats", "jbd2/jbd2_drop_transaction",
                  "jbd2/jbd2_handle_extend", "jbd2/jbd2_handle_restart", "jbd2/jbd2_lock_buffer_stall",
                  "jbd2/jbd2_submit_inode_data", "jbd2/jbd2_update_log_tail", "jbd2/jbd2_write_superblock"},
                 filter, 0);
  events.insert(events.end(), rare.begin(), rare.end());
  compare_on_ext4(events, device);
}

TEST_CASE("the page cache's and writeback's arguments give what their records say", "[kernel]") {
  const MountPoint directory;
  const LoopDevice device(directory.path(), kBytes);
  make_file_system(device);
  const std::uint64_t number = device.number();
  auto events = all_mapped({"filemap/mm_filemap_add_to_page_cache", "filemap/mm_filemap_delete_from_page_cache"},
                           "args.s_dev == " + std::to_string(number), 1);
  const auto faults =
      all_mapped({"filemap/mm_filemap_get_pages", "filemap/mm_filemap_map_pages", "filemap/mm_filemap_fault"},
                 "args.index < 100000 && tid == " + std::to_string(gettid()), 0);
  events.insert(events.end(), faults.begin(), faults.end());
  const std::string bdi = std::to_string(number >> 20) + ":" + std::to_string(number & 0xfffff);
  const auto writeback = all_mapped({"writeback/writeback_queue", "writeback/writeback_exec",
                                     "writeback/writeback_start", "writeback/writeback_written"},
                                    "args.name == \"" + bdi + "\"", 1);
  events.insert(events.end(), writeback.begin(), writeback.end());
  compare_on_ext4(events, device);
}

}  // namespace
}  // namespace tpx::test
