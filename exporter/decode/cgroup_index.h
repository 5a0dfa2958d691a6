#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/unique_fd.h"

namespace tpx::decode {

/// Cgroup ids to paths, shared by every decoder that starts from a cgroup. Thread-safe.
///
/// A cgroup's id is its inode number in the hierarchy and never used again while the hierarchy is mounted. So a path once
/// found stays right when the group is gone, and an id that is not there will not come back: both are kept, the least
/// recently asked for given up beyond `capacity`.
///
/// An unknown id costs one open_by_handle_at(2): a file handle of kernfs is the id. Where that may not be used (it takes
/// CAP_DAC_READ_SEARCH) or `root` is not a kernfs, the tree is walked, at most once between two refresh()es.
///
/// Groups that live shorter than the time between two scrapes are learnt through learn().
class CgroupIndex {
 public:
  static constexpr std::size_t kCapacity = 32768;

  /// `root`: where the hierarchy is mounted (see cgroup_root). `procfs` resolves handles, through self/fd.
  explicit CgroupIndex(std::string root, std::string procfs = "/proc", std::size_t capacity = kCapacity);

  /// The path below the mount, `/` for its root, `/system.slice/ssh.service` for others; as it is, maybe not UTF-8.
  /// Nothing when the group is gone and was never learnt.
  [[nodiscard]] std::optional<std::string> path(std::uint64_t id);

  /// Tells the index of a group, such as tracepoint cgroup/cgroup_mkdir reports it (its `id` and `path`; `root` 0 is
  /// cgroup v2), before it can be gone.
  void learn(std::uint64_t id, std::string_view path);

  /// Allows the next walk.
  void refresh();

  /// Known ids, for tests and self-metrics.
  [[nodiscard]] std::size_t size() const;
  /// Walks done so far.
  [[nodiscard]] std::uint64_t walks() const;

 private:
  struct Entry {
    std::optional<std::string> path;  ///< nothing: known to be gone
    std::uint64_t used = 0;           ///< the tick of its last use
  };
  enum class Found : std::uint8_t { Path, Gone, CannotTell };
  struct Answer {
    Found found;
    std::string path;
  };

  void store(std::uint64_t id, std::optional<std::string> path);
  void evict();
  [[nodiscard]] Answer by_handle(std::uint64_t id);
  [[nodiscard]] Answer walk(std::uint64_t wanted);

  mutable std::mutex mutex_;
  std::string root_;
  std::string procfs_;
  std::size_t capacity_;
  UniqueFd root_fd_;
  std::string base_;      ///< the root's path as links in procfs show it
  bool handles_ = false;  ///< ids can be opened as file handles
  bool may_walk_ = true;
  std::uint64_t walks_ = 0;
  std::uint64_t tick_ = 0;
  std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace tpx::decode
