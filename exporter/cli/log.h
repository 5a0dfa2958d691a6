#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace tpx::cli {

struct LogOptions {
  std::string level = "info";     ///< debug, info, warn, error
  std::string format = "logfmt";  ///< logfmt or json
};

/// The number of lines dropped because standard error was blocked.
using DroppedLines = std::atomic<std::uint64_t>;

/// A logger to stderr, one line a message: `ts=… level=info msg="…"` or a JSON object. If stderr is non-blocking and
/// full, lines are dropped and counted in `dropped`; the next line that is written is preceded by one that reports them.
[[nodiscard]] Result<std::shared_ptr<spdlog::logger>> make_logger(const LogOptions& options,
                                                                  std::shared_ptr<DroppedLines> dropped);

}  // namespace tpx::cli
