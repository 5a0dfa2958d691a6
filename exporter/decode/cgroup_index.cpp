#include "decode/cgroup_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <vector>

namespace tpx::decode {
namespace {

/// FILEID_KERNFS (include/linux/exportfs.h): the handle is the 64-bit id of the node.
constexpr int kKernfsHandle = 0xfe;
constexpr std::size_t kMaxDirectories = 100'000;

/// struct file_handle ends in a flexible array; this is its layout with the bytes that kernfs wants.
struct KernfsHandle {
  unsigned int handle_bytes = sizeof(std::uint64_t);
  int handle_type = kKernfsHandle;
  std::array<unsigned char, sizeof(std::uint64_t)> id{};
};
static_assert(sizeof(KernfsHandle) == sizeof(file_handle) + sizeof(std::uint64_t));

bool is_kernfs(int directory) {
  KernfsHandle handle;
  int mount_id = 0;
  return ::name_to_handle_at(directory, "", reinterpret_cast<file_handle*>(&handle), &mount_id, AT_EMPTY_PATH) == 0 &&
         handle.handle_type == kKernfsHandle && handle.handle_bytes == sizeof(std::uint64_t);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// Calls visit(inode, name) for each directory in `path`. False when it could not be read though it is there.
template <class Visit>
bool each_directory(const std::string& path, Visit visit) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) {
    return errno == ENOENT;
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      return errno == 0 || errno == ENOENT;
    }
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") {
      visit(std::uint64_t{entry->d_ino}, name);
    }
  }
}

/// Where an open descriptor is, "" when that can't be told.
std::string link_target(const std::string& procfs, int descriptor) {
  std::array<char, PATH_MAX> target{};
  const std::string link = procfs + "/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return {target.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
}

}  // namespace

CgroupIndex::CgroupIndex(std::string root, std::string procfs, std::size_t capacity)
    : root_(std::move(root)),
      procfs_(std::move(procfs)),
      capacity_(std::max<std::size_t>(capacity, 4)),
      root_fd_(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      base_(root_fd_.valid() ? link_target(procfs_, root_fd_.get()) : ""),
      handles_(!base_.empty() && is_kernfs(root_fd_.get())) {}

std::optional<std::string> CgroupIndex::path(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  if (const auto known = entries_.find(id); known != entries_.end()) {
    known->second.used = ++tick_;
    return known->second.path;
  }
  if (handles_) {
    const Answer answer = by_handle(id);
    if (answer.found != Found::CannotTell) {
      store(id, answer.found == Found::Path ? std::optional(answer.path) : std::nullopt);
      return entries_[id].path;
    }
  }
  if (!may_walk_) {
    return std::nullopt;
  }
  may_walk_ = false;
  Answer answer = walk(id);
  if (answer.found == Found::CannotTell) {
    return std::nullopt;
  }
  store(id, answer.found == Found::Path ? std::optional(std::move(answer.path)) : std::nullopt);
  return entries_[id].path;
}

void CgroupIndex::learn(std::uint64_t id, std::string_view path) {
  const std::scoped_lock lock(mutex_);
  store(id, std::string(path));
}

void CgroupIndex::refresh() {
  const std::scoped_lock lock(mutex_);
  may_walk_ = true;
}

std::size_t CgroupIndex::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

std::uint64_t CgroupIndex::walks() const {
  const std::scoped_lock lock(mutex_);
  return walks_;
}

void CgroupIndex::store(std::uint64_t id, std::optional<std::string> path) {
  entries_.insert_or_assign(id, Entry{std::move(path), ++tick_});
  if (entries_.size() > capacity_) {
    evict();
  }
}

/// Gives up the quarter that has not been asked for the longest: rarely, so that no use has to reorder a list.
void CgroupIndex::evict() {
  std::vector<std::uint64_t> ticks;
  ticks.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) {
    ticks.push_back(entry.used);
  }
  const auto oldest_kept = ticks.begin() + static_cast<std::ptrdiff_t>(ticks.size() / 4);
  std::nth_element(ticks.begin(), oldest_kept, ticks.end());
  std::erase_if(entries_, [limit = *oldest_kept](const auto& item) { return item.second.used < limit; });
}

CgroupIndex::Answer CgroupIndex::by_handle(std::uint64_t id) {
  KernfsHandle handle;
  std::memcpy(handle.id.data(), &id, sizeof id);
  const UniqueFd group(::open_by_handle_at(root_fd_.get(), reinterpret_cast<file_handle*>(&handle),
                                           O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_PATH));
  if (!group.valid()) {
    if (errno == ESTALE || errno == ENOENT || errno == ENOTDIR) {
      return {Found::Gone, {}};
    }
    // Without the capability, now and from now on.
    handles_ = errno != EPERM;
    return {Found::CannotTell, {}};
  }
  const std::string target = link_target(procfs_, group.get());
  std::string_view path = target;
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) {
    path.remove_suffix(kDeleted.size());
  }
  if (path == base_) {
    return {Found::Path, "/"};
  }
  if (path.starts_with(base_ + "/")) {
    return {Found::Path, std::string(path.substr(base_.size()))};
  }
  return {Found::CannotTell, {}};
}

/// Learns the whole tree. `wanted` is gone when all of it was seen and it is not there.
CgroupIndex::Answer CgroupIndex::walk(std::uint64_t wanted) {
  ++walks_;
  Answer answer{Found::Gone, {}};
  const auto see = [&](std::uint64_t inode, const std::string& path) {
    if (inode == wanted) {
      answer = {Found::Path, path};
    } else if (!entries_.contains(inode)) {
      store(inode, path);
    }
  };
  struct stat status{};
  bool complete = ::stat(root_.c_str(), &status) == 0;
  if (complete) {
    see(status.st_ino, "/");
  }
  std::vector<std::string> pending{""};
  for (std::size_t seen = 0; !pending.empty() && complete; ++seen) {
    const std::string parent = std::move(pending.back());
    pending.pop_back();
    const bool readable = each_directory(root_ + parent, [&](std::uint64_t inode, std::string_view name) {
      pending.push_back(parent + "/" + std::string(name));
      see(inode, pending.back());
    });
    complete = readable && seen < kMaxDirectories;
  }
  if (!complete && answer.found == Found::Gone) {
    answer.found = Found::CannotTell;
  }
  return answer;
}

}  // namespace tpx::decode
