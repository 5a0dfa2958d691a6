#include "cli/report.h"

#include <sys/time.h>

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace tpx::cli {

namespace {

/// `2026-01-31T23:59:59.123Z`, as the log stamps its lines.
std::string timestamp() {
  timeval now{};
  gettimeofday(&now, nullptr);
  std::tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc));
  const std::string milliseconds = std::to_string(1000 + now.tv_usec / 1000).substr(1);
  return text + "." + milliseconds + "Z";
}

void report_json(const Error& error) {
  nlohmann::ordered_json line;
  line["ts"] = timestamp();
  line["level"] = "error";
  line["msg"] = to_utf8(error.message);
  line["file"] = nullptr;
  line["line"] = nullptr;
  line["column"] = nullptr;
  if (error.location) {
    line["file"] = to_utf8(error.location->file);
    if (error.location->line > 0) {
      line["line"] = error.location->line;
      line["column"] = error.location->column;
    }
  }
  line["severity"] = "error";
  line["message"] = line["msg"];
  line["hint"] = to_utf8(error.hint);
  std::fprintf(stderr, "%s\n", line.dump().c_str());
}

}  // namespace

void report(const Error& error, ReportFormat format) {
  if (format == ReportFormat::Json) {
    report_json(error);
    return;
  }
  std::fprintf(stderr, "error: %s%s%s\n", error.message.c_str(), error.hint.empty() ? "" : "; ", error.hint.c_str());
}

void report(const Errors& errors, const config::Config& config, ReportFormat format) {
  if (format == ReportFormat::Text) {
    std::fputs(config::render(errors, config).c_str(), stderr);
    return;
  }
  for (const Error& error : config::by_place(errors)) {
    report_json(error);
  }
}

void report_warnings(const Errors& warnings, const config::Config& config) {
  std::fputs(config::render(warnings, config, "warning").c_str(), stderr);
}

}  // namespace tpx::cli
