#include "cli/report.h"

#include <cstdio>

namespace tpx::cli {

void report(const Error& error) {
  std::fprintf(stderr, "error: %s%s%s\n", error.message.c_str(), error.hint.empty() ? "" : "; ", error.hint.c_str());
}

void report(const Errors& errors, const config::Config& config) {
  std::fputs(config::render(errors, config).c_str(), stderr);
}

void report_warnings(const Errors& warnings, const config::Config& config) {
  std::fputs(config::render(warnings, config, "warning").c_str(), stderr);
}

}  // namespace tpx::cli
