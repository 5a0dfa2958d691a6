#include "cli/config_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/privileges.h"

namespace tpx::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kQuietMilliseconds = 500;
/// However often something changes, it is looked at by then.
constexpr std::chrono::seconds kLongest{5};

std::string identity_of(const std::string& path) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) {
    return path + " missing\n";
  }
  return path + " " + std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino) + " " +
         std::to_string(file.st_size) + " " + std::to_string(file.st_mtim.tv_sec) + "." +
         std::to_string(file.st_mtim.tv_nsec) + "\n";
}

/// Equal as long as the same files hold the same.
std::string state_of(const std::vector<std::string>& paths) {
  std::string state;
  for (const std::string& path : paths) {
    std::error_code code;
    if (!fs::is_directory(path, code)) {
      state += identity_of(path);
      continue;
    }
    std::vector<std::string> files;
    for (fs::directory_iterator at(path, code), end; !code && at != end; at.increment(code)) {
      if (at->path().extension() == ".yaml") {
        files.push_back(at->path().string());
      }
    }
    std::sort(files.begin(), files.end());
    state += path + "\n";
    for (const std::string& file : files) {
      state += identity_of(file);
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
  std::string known = state_of(paths_);
  while (!stop.stop_requested()) {
    if (!wait(-1)) {
      continue;
    }
    const auto latest = std::chrono::steady_clock::now() + kLongest;
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < latest && wait(kQuietMilliseconds)) {
    }
    watch();
    std::string state = state_of(paths_);
    if (!stop.stop_requested() && state != known) {
      known = std::move(state);
      changed_();
    }
  }
}

}  // namespace tpx::cli
