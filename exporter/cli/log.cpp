#include "cli/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

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

}  // namespace

Result<std::shared_ptr<spdlog::logger>> make_logger(const LogOptions& options) {
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
  auto logger = std::make_shared<spdlog::logger>("tpx", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(level);
  return logger;
}

}  // namespace tpx::cli
