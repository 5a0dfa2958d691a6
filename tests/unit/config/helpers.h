#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace tpx::config {

/// Whether one of `errors` is at line:column and has `message` and `hint` as parts.
inline bool has_error(const Errors& errors, std::uint32_t line, std::uint32_t column, std::string_view message,
                      std::string_view hint = "") {
  for (const Error& error : errors) {
    if (error.location && error.location->line == line && error.location->column == column &&
        error.message.find(message) != std::string::npos && error.hint.find(hint) != std::string::npos) {
      return true;
    }
  }
  return false;
}

/// The errors as text, for a failing test to show.
inline std::string shown(const Loaded& loaded) {
  return render(loaded.errors, loaded.config);
}

}  // namespace tpx::config
