#pragma once

#include <dirent.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "http/listen_address.h"
#include "http/server.h"

namespace tpx::http {

/// Opened once; waiting is bounded so that a failure is one.
class Gate {
 public:
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

inline ServerOptions local(std::string address = "127.0.0.1:0") {
  ServerOptions options;
  options.addresses = {std::move(address)};
  return options;
}

inline Route route(std::string path, Handler handler) {
  Route made;
  made.path = std::move(path);
  made.handler = std::move(handler);
  return made;
}

inline std::unique_ptr<HttpServer> start(ServerOptions options, std::vector<Route> routes) {
  auto server = HttpServer::start(std::move(options), std::move(routes));
  if (!server) {
    FAIL(server.error().message);
  }
  return std::move(*server);
}

inline std::vector<Route> hello() {
  return {route("/hello", [](const Request&, Response& response) { response.send_text(200, "hello\n"); })};
}

/// Of this process.
inline std::size_t threads() {
  std::size_t count = 0;
  DIR* directory = ::opendir("/proc/self/task");
  while (::readdir(directory) != nullptr) {
    ++count;
  }
  ::closedir(directory);
  return count;
}

inline bool has_ipv6() {
  return listen_on(any_address(AF_INET6, 0), false, "").has_value();
}

}  // namespace tpx::http
