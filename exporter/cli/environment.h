#pragma once

#include <string>

namespace tpx::cli {

/// The value of an environment variable that is meant for this process alone; it is then no longer set for children. "" where it
/// is not set. Call it before the first thread.
[[nodiscard]] std::string take_variable(const char* name);

}  // namespace tpx::cli
