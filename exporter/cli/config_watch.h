#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tpx::cli {

/// Watches configuration files with inotify(7) in a thread of its own: files that are written or replaced, files that come
/// to or leave a directory, symbolic links that are replaced (how Kubernetes updates a mounted ConfigMap). Calls `changed`
/// half a second after the last of several changes, and only when a file is another or holds something else.
class ConfigWatch {
 public:
  /// `paths` as --config.file has them. `changed` is called by the thread.
  [[nodiscard]] static Result<std::unique_ptr<ConfigWatch>> start(std::vector<std::string> paths,
                                                                  std::function<void()> changed);
  ConfigWatch(const ConfigWatch&) = delete;
  ConfigWatch& operator=(const ConfigWatch&) = delete;
  ~ConfigWatch();

 private:
  ConfigWatch(std::vector<std::string> paths, std::function<void()> changed)
      : paths_(std::move(paths)), changed_(std::move(changed)) {}
  void watch() const;
  void run(const std::stop_token& stop);
  [[nodiscard]] bool wait(int milliseconds) const;

  std::vector<std::string> paths_;
  std::function<void()> changed_;
  UniqueFd events_;
  UniqueFd wake_;  ///< an eventfd: the thread has to end
  std::jthread thread_;
};

}  // namespace tpx::cli
