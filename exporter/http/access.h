#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "http/basic_auth.h"
#include "http/message.h"
#include "http/rate_limit.h"
#include "http/tls_context.h"

namespace spdlog {
class logger;
}

namespace tpx::http {

/// What the web configuration asks of every connection and answer. Immutable but for the cache inside `auth` and
/// the count of `rate`.
struct WebPolicy {
  std::shared_ptr<BasicAuth> auth = std::make_shared<BasicAuth>(std::map<std::string, std::string>{});
  std::shared_ptr<RateLimit> rate;  ///< null: no limit
  Headers headers;
  TlsContext tls;  ///< null: plain HTTP
};

/// The policy of a web configuration file, read again when the file, the certificate, the key or the CA changes. A
/// version that can't be used is logged and the last good one stays. Turning TLS on or off needs a restart, as the
/// listeners differ. Thread-safe.
class WebAccess {
 public:
  /// Empty path: no TLS, no users. Fails with every error of the file in one message.
  [[nodiscard]] static Result<std::shared_ptr<WebAccess>> open(std::string path, std::shared_ptr<spdlog::logger> log);

  /// The policy now. Looks at the files at most once in `interval`.
  [[nodiscard]] std::shared_ptr<const WebPolicy> current();
  /// Default one second.
  void set_interval(std::chrono::milliseconds interval);

 private:
  using Clock = std::chrono::steady_clock;
  struct Loaded {
    std::shared_ptr<const WebPolicy> policy;
    std::vector<std::string> files;
  };

  WebAccess(std::string path, std::shared_ptr<spdlog::logger> log) : path_(std::move(path)), log_(std::move(log)) {}
  [[nodiscard]] Result<Loaded> load() const;

  const std::string path_;
  const std::shared_ptr<spdlog::logger> log_;
  std::mutex mutex_;
  std::shared_ptr<const WebPolicy> policy_;
  std::vector<std::string> files_;
  std::vector<FileStamp> stamps_;  ///< of `files_`
  Clock::time_point looked_;
  std::chrono::milliseconds interval_{1000};
};

}  // namespace tpx::http
