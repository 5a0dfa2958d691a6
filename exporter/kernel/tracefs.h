#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernel/format.h"

namespace tpx::kernel {

/// The events directory of a tracefs, or of a recorded tree of the same shape. Reads only; thread-safe.
class Tracefs {
 public:
  /// Uses `root` (the directory that holds `events/`). Fails with what to do when there is none.
  [[nodiscard]] static Result<Tracefs> open(std::string root);

  /// Finds a mounted tracefs: /sys/kernel/tracing, then /sys/kernel/debug/tracing, then /proc/mounts. The error's os_error
  /// is ENOENT when none is mounted.
  [[nodiscard]] static Result<Tracefs> find();

  /// find(); mounts it at /sys/kernel/tracing where it is absent and this process may. The hint of a failure is the command
  /// to run.
  [[nodiscard]] static Result<Tracefs> find_or_mount();

  /// Whether find_or_mount() mounted it: callers tell the user, as the mount stays.
  [[nodiscard]] bool mounted_here() const { return mounted_here_; }

  [[nodiscard]] const std::string& root() const { return root_; }

  /// Every tracepoint as `category/name`, sorted; without the ftrace category, whose entries can't be attached.
  [[nodiscard]] Result<std::vector<std::string>> events() const;

  /// The names among events() that match a glob of `category/name`, or the one exact name. An unknown exact name fails
  /// with `tracepoint x/y not found` and the nearest names as hint.
  [[nodiscard]] Result<std::vector<std::string>> match(const std::string& pattern) const;

  [[nodiscard]] Result<Format> format(const std::string& category, const std::string& name) const;
  /// Of `category/name`.
  [[nodiscard]] Result<Format> format(const std::string& full_name) const;

  /// Whether the kernel has the tracepoint `category/name`, by its format file. False, too, when that can't be told.
  [[nodiscard]] bool has(const std::string& full_name) const;

 private:
  explicit Tracefs(std::string root) : root_(std::move(root)) {}
  std::string root_;
  bool mounted_here_ = false;
};

/// Where the text of /proc/mounts says that a tracefs is mounted.
[[nodiscard]] std::optional<std::string> tracefs_in_mounts(std::string_view mounts);

}  // namespace tpx::kernel
