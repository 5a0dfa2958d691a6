#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace tpx::cli {

struct LogOptions {
  std::string level = "info";     ///< debug, info, warn, error
  std::string format = "logfmt";  ///< logfmt or json
};

/// A logger to stderr, one line a message: `ts=… level=info msg="…"` or a JSON object.
[[nodiscard]] Result<std::shared_ptr<spdlog::logger>> make_logger(const LogOptions& options);

}  // namespace tpx::cli
