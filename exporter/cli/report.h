#pragma once

#include "base/error.h"
#include "config/config.h"

namespace tpx::cli {

/// Writes `error: message` and the hint to stderr.
void report(const Error& error);

/// Writes configuration errors as a compiler does, with source lines and carets, to stderr.
void report(const Errors& errors, const config::Config& config);

/// Prints warnings to stderr as errors are printed.
void report_warnings(const Errors& warnings, const config::Config& config);

}  // namespace tpx::cli
