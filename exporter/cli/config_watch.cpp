#include "cli/config_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "cli/privileges.h"
#include "config/config.h"

namespace tpx::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kQuietMilliseconds = 500;
/// However often something changes, it is looked at by then.
constexpr std::chrono::seconds kLongest{5};

using State = std::vector<std::pair<std::string, FileStamp>>;

/// Equal as long as the same files hold the same.
State state_of(const std::vector<std::string>& paths) {
  State state;
  for (const std::string& path : paths) {
    const auto files = config::files_of(path);
    for (const std::string& file : files ? *files : std::vector<std::string>()) {
      state.emplace_back(file, stamp_of(file));
    }
  }
  return state;
}

}  // namespace

Result<std::unique_ptr<ConfigWatch>> ConfigWatch::start(std::vector<std::string> paths, std::function<void()> changed) {
  std::unique_ptr<ConfigWatch> watch(new ConfigWatch(std::move(paths), std::move(changed)));
  watch->events_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  watch->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!watch->events_.valid() || !watch->wake_.valid()) {
    return fail(os_failure("can't watch the configuration", errno, "raise fs.inotify.max_user_instances"));
  }
  try {
    watch->thread_ = std::jthread([self = watch.get()](const std::stop_token& stop) { self->run(stop); });
  } catch (const std::system_error& error) {
    return fail(
        os_failure("cannot start the thread that watches the configuration", error.code().value(), kThreadsHint));
  }
  return watch;
}

ConfigWatch::~ConfigWatch() {
  thread_.request_stop();
  static_cast<void>(::eventfd_write(wake_.get(), 1));
}

/// The directories: what happens to a file or a symbolic link shows there. Adding one again changes nothing.
void ConfigWatch::watch() const {
  constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  for (const std::string& path : paths_) {
    std::error_code code;
    const fs::path written = fs::absolute(path, code);
    const fs::path real = fs::canonical(path, code);
    for (const fs::path& directory :
         {fs::is_directory(real, code) ? real : real.parent_path(), written.parent_path()}) {
      if (!directory.empty()) {
        static_cast<void>(::inotify_add_watch(events_.get(), directory.c_str(), kMask));
      }
    }
  }
}

/// Whether something happened within the time; it is taken off the queue.
bool ConfigWatch::wait(int milliseconds) const {
  std::array<pollfd, 2> polled{{{events_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  if (::poll(polled.data(), polled.size(), milliseconds) <= 0) {
    return false;
  }
  std::array<char, 4096> ignored{};
  while (::read(events_.get(), ignored.data(), ignored.size()) > 0) {
  }
  return true;
}

void ConfigWatch::run(const std::stop_token& stop) {
  watch();
  State known = state_of(paths_);
  while (!stop.stop_requested()) {
    if (!wait(-1)) {
      continue;
    }
    const auto latest = std::chrono::steady_clock::now() + kLongest;
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < latest && wait(kQuietMilliseconds)) {
    }
    watch();
    State state = state_of(paths_);
    if (!stop.stop_requested() && state != known) {
      known = std::move(state);
      changed_();
    }
  }
}

}  // namespace tpx::cli
