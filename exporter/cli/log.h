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

/// Lines that standard error did not take.
using DroppedLines = std::atomic<std::uint64_t>;

/// A logger to stderr, one line a message: `ts=… level=info msg="…"` or a JSON object. Where stderr is non-blocking and
/// takes no more, lines are dropped and counted in `dropped`; the next that it takes is preceded by one that says so.
[[nodiscard]] Result<std::shared_ptr<spdlog::logger>> make_logger(const LogOptions& options,
                                                                  std::shared_ptr<DroppedLines> dropped);

}  // namespace tpx::cli
