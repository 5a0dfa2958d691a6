#pragma once

#include <CLI/App.hpp>
#include <string>

#include "base/error.h"

namespace tpx::cli {

/// Whether `app` has a command of that name or alias.
[[nodiscard]] bool knows_command(const CLI::App& app, const std::string& word);

/// What is wrong with a word that is no command of `app`, and what may have been meant.
[[nodiscard]] Error unknown_command(const CLI::App& app, const std::string& word);

/// Why `app` could not be parsed, in the words of the command that was given; the nearest option as a hint.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace tpx::cli
