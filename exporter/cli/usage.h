#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tpx::cli {

/// Whether `app` has a command of that name or alias.
[[nodiscard]] bool knows_command(const CLI::App& app, const std::string& word);

/// What is wrong with a word that is no command of `app`, and what may have been meant.
[[nodiscard]] Error unknown_command(const CLI::App& app, const std::string& word);

/// `tracepoint_exporter --output json list`: the error and the right order; nothing when no command follows. `arguments`
/// start with an option.
[[nodiscard]] std::optional<Error> option_before_command(const CLI::App& app,
                                                         const std::vector<std::string>& arguments);

/// The parse error of `app` for the command that was given, with the nearest option as a hint. `named`: the user named the
/// command; otherwise it is the default one.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& error, bool named);

}  // namespace tpx::cli
