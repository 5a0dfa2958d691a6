#include "http/access.h"

#include <spdlog/logger.h>

#include "base/file.h"
#include "config/web_config.h"

namespace tpx::http {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;

/// Every error as `file:line:column: message; hint`, one a line.
Error merge(const Errors& errors) {
  if (errors.size() == 1) {
    return errors.front();
  }
  std::string text = "the web configuration has " + std::to_string(errors.size()) + " errors";
  for (const Error& error : errors) {
    text += "\n  ";
    if (error.location) {
      text += error.location->file + ":" + std::to_string(error.location->line) + ":" +
              std::to_string(error.location->column) + ": ";
    }
    text += error.message + (error.hint.empty() ? "" : "; " + error.hint);
  }
  return Error{std::move(text)};
}

std::vector<FileStamp> stamps(const std::vector<std::string>& files) {
  std::vector<FileStamp> all;
  all.reserve(files.size());
  for (const std::string& file : files) {
    all.push_back(stamp_of(file));
  }
  return all;
}

}  // namespace

Result<std::shared_ptr<WebAccess>> WebAccess::open(std::string path, std::shared_ptr<spdlog::logger> log) {
  std::shared_ptr<WebAccess> access(new WebAccess(std::move(path), std::move(log)));
  auto loaded = access->load();
  if (!loaded) {
    return fail(std::move(loaded).error());
  }
  access->policy_ = std::move(loaded->policy);
  access->files_ = std::move(loaded->files);
  access->stamps_ = stamps(access->files_);
  access->looked_ = Clock::now();
  return access;
}

Result<WebAccess::Loaded> WebAccess::load() const {
  Loaded loaded;
  auto policy = std::make_shared<WebPolicy>();
  if (!path_.empty()) {
    const auto text = read_file(path_, kMaxFile);
    if (!text) {
      return fail(Error(text.error()).with_context("--web.config.file: "));
    }
    config::LoadedWebConfig parsed = config::parse_web_config(path_, *text);
    if (!parsed.errors.empty()) {
      return fail(merge(parsed.errors));
    }
    loaded.files = {path_};
    policy->auth = std::make_shared<BasicAuth>(parsed.config.users);
    policy->headers = parsed.config.headers;
    if (const config::WebRate& rate = parsed.config.rate; rate.interval.count() > 0) {
      policy->rate = std::make_shared<RateLimit>(rate.interval, rate.burst);
    }
    if (parsed.config.tls) {
      const config::WebTls& tls = *parsed.config.tls;
      auto context = make_tls_context(tls);
      if (!context) {
        return fail(std::move(context).error().with_context(path_ + ": "));
      }
      policy->tls = std::move(*context);
      for (const std::string& file : {tls.cert_file, tls.key_file, tls.client_ca_file}) {
        if (!file.empty()) {
          loaded.files.push_back(file);
        }
      }
    }
  }
  loaded.policy = std::move(policy);
  return loaded;
}

void WebAccess::set_interval(std::chrono::milliseconds interval) {
  const std::scoped_lock lock(mutex_);
  interval_ = interval;
}

std::shared_ptr<const WebPolicy> WebAccess::current() {
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  if (files_.empty() || now - looked_ < interval_) {
    return policy_;
  }
  looked_ = now;
  std::vector<FileStamp> seen = stamps(files_);
  if (seen == stamps_) {
    return policy_;
  }
  stamps_ = std::move(seen);
  auto loaded = load();
  if (loaded && (loaded->policy->tls == nullptr) != (policy_->tls == nullptr)) {
    loaded = fail("TLS can't be turned on or off while serving", "restart the exporter");
  }
  if (!loaded) {
    if (log_) {
      log_->error("web configuration changed but can't be used, the last one stays: {}", loaded.error().message);
    }
    return policy_;
  }
  policy_ = std::move(loaded->policy);
  files_ = std::move(loaded->files);
  stamps_ = stamps(files_);
  if (log_) {
    log_->info("web configuration {} read again", path_);
  }
  return policy_;
}

}  // namespace tpx::http
