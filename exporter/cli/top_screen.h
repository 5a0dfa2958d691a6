#pragma once

#include <string>

#include "cli/stop_signal.h"
#include "live/top_source.h"

namespace tpx::cli {

/// Shows the model on the terminal until the user quits, a signal comes, or `count` samples (0: no end) were shown. Sorts,
/// filters and pauses by keys. The terminal is as it was when this returns. The exit code.
[[nodiscard]] int show_top(live::TopSource& source, live::TopModel& model, const std::string& title, double interval,
                           std::uint64_t count, const StopSignal& stop);

/// Whether the locale's characters are UTF-8; sets the locale from the environment.
[[nodiscard]] bool use_locale();

}  // namespace tpx::cli
