#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tpx::decode {

/// The names that Kubernetes gives pods and containers, from the names of the files that the kubelet keeps for logs; the
/// API server is not asked. Thread-safe.
///
///     VAR_LOG/pods/NAMESPACE_POD_UID/
///     VAR_LOG/containers/POD_NAMESPACE_CONTAINER-ID.log
///
/// The directories are read when one has changed since the last refresh(). What they no longer hold is still known, the
/// least recently asked for given up beyond `capacity`.
class ContainerNames {
 public:
  static constexpr std::size_t kCapacity = 16384;

  struct Names {
    std::string name_space;
    std::string pod;
    std::string container;  ///< "" for a pod
  };

  explicit ContainerNames(std::string var_log, std::size_t capacity = kCapacity);

  [[nodiscard]] std::optional<Names> container(std::string_view id);
  [[nodiscard]] std::optional<Names> pod(std::string_view uid);

  /// Looks at the directories, as names may be gone before they are asked for.
  void refresh();

  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    Names names;
    std::uint64_t used = 0;
  };
  /// A directory and when it last changed.
  struct Watched {
    std::string path;
    std::int64_t seconds = -1;
    std::int64_t nanoseconds = -1;
  };
  static bool changed(Watched& directory);
  void scan_pods();
  void scan_containers();
  void store(std::string_view key, Names names);
  std::optional<Names> find(std::string_view key);

  mutable std::mutex mutex_;
  Watched pods_;
  Watched containers_;
  std::size_t capacity_;
  std::uint64_t tick_ = 0;
  std::unordered_map<std::string, Entry> entries_;  ///< by container id and pod UID, which differ in length
};

}  // namespace tpx::decode
