#pragma once

#include <string>

#include "base/error.h"
#include "config/config.h"

namespace tpx::cli {

/// How errors are written to stderr. Json: one object a line, with the log's `ts`, `level` and `msg`, then `file`, `line`
/// and `column` (null if the error has no location), `severity`, `message` and `hint`.
enum class ReportFormat : std::uint8_t { Text, Json };

/// Writes `error: message` and the hint to stderr.
void report(const Error& error, ReportFormat format = ReportFormat::Text);

/// Writes configuration errors to stderr: as a compiler does, with source lines and carets, or as JSON.
void report(const Errors& errors, const config::Config& config, ReportFormat format = ReportFormat::Text);

/// Prints warnings to stderr in the format of errors.
void report_warnings(const Errors& warnings, const config::Config& config);

}  // namespace tpx::cli
