#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>

namespace tpx::cli {

/// Exit codes of every subcommand.
inline constexpr int kOk = 0;
inline constexpr int kFailure = 1;  ///< something failed at run time
inline constexpr int kUsage = 2;    ///< wrong use or wrong configuration

/// One subcommand. `add` declares its options and sets what runs once they are parsed; that returns the exit code.
struct Command {
  std::string name;
  std::string summary;
  std::function<void(CLI::App& app, std::function<int()>& run)> add;
};

// One file each.
[[nodiscard]] Command serve_command();
[[nodiscard]] Command check_command();
[[nodiscard]] Command list_command();
[[nodiscard]] Command describe_command();
[[nodiscard]] Command top_command();
[[nodiscard]] Command tracepoint_command();
[[nodiscard]] Command unpin_command();

}  // namespace tpx::cli
