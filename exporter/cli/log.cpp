#include "cli/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace tpx::cli {

namespace {

/// %q: the message in double quotes with JSON's escapes, which logfmt readers take too.
class QuotedMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string text = to_utf8({message.payload.data(), message.payload.size()});
    const std::string quoted = nlohmann::json(text).dump();
    out.append(quoted.data(), quoted.data() + quoted.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<QuotedMessage>();
  }
};

/// Writes each line with one call, so that it arrives whole or not at all.
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(std::shared_ptr<DroppedLines> dropped) : dropped_(std::move(dropped)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (unsaid_ != 0) {
      const std::string text = std::to_string(unsaid_) + " log messages were lost: standard error was blocked";
      if (!put(spdlog::details::log_msg(message.logger_name, spdlog::level::warn, text))) {
        lose();
        return;
      }
      unsaid_ = 0;
    }
    if (!put(message)) {
      lose();
    }
  }
  void flush_() override {}

 private:
  bool put(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    ssize_t count = 0;
    do {
      count = ::write(STDERR_FILENO, line.data(), line.size());
    } while (count < 0 && errno == EINTR);
    return count == static_cast<ssize_t>(line.size());
  }
  void lose() {
    ++unsaid_;
    dropped_->fetch_add(1);
  }

  std::shared_ptr<DroppedLines> dropped_;
  std::uint64_t unsaid_ = 0;  ///< lost since the last line about lost ones
};

}  // namespace

Result<std::shared_ptr<spdlog::logger>> make_logger(const LogOptions& options, std::shared_ptr<DroppedLines> dropped) {
  const bool json = options.format == "json";
  if (!json && options.format != "logfmt") {
    return fail("unknown log format \"" + options.format + "\"", "use --log.format=logfmt or --log.format=json");
  }
  spdlog::level::level_enum level = spdlog::level::from_str(options.level);
  if (level == spdlog::level::off && options.level != "off") {
    return fail("unknown log level \"" + options.level + "\"", "use debug, info, warn or error");
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<QuotedMessage>('q').set_pattern(json ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","msg":%q})"
                                                           : "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l msg=%q");
  auto logger = std::make_shared<spdlog::logger>("tpx", std::make_shared<StderrSink>(std::move(dropped)));
  logger->set_formatter(std::move(formatter));
  logger->set_level(level);
  return logger;
}

}  // namespace tpx::cli
