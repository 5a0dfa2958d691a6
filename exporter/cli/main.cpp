#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/usage.h"
#include "kernel/confinement.h"
#include "service/own_metrics.h"

namespace {

using tpx::cli::Command;

constexpr const char* kDescription =
    "Prometheus metrics from kernel tracepoints.\n"
    "Without a subcommand it serves: tracepoint_exporter --config.file=config.yaml";

std::string version_text() {
  const tpx::service::BuildInfo build = tpx::service::this_build();
  return "tracepoint_exporter " + build.version + (build.revision.empty() ? "" : " (" + build.revision + ")") + ", " +
         build.compiler;
}

/// Whether a command or an option of the program itself comes first. `tracepoint_exporter --flag` means
/// `tracepoint_exporter serve --flag`.
bool names_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && (!arguments[0].starts_with("-") || arguments[0] == "--help" || arguments[0] == "-h" ||
                                arguments[0] == "--version");
}

int run(int argc, char** argv) {
  const std::vector<Command> commands{
      tpx::cli::serve_command(),      tpx::cli::check_command(), tpx::cli::list_command(), tpx::cli::describe_command(),
      tpx::cli::tracepoint_command(), tpx::cli::top_command(),   tpx::cli::unpin_command()};
  CLI::App app(kDescription, "tracepoint_exporter");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  std::function<int()> chosen;
  for (const Command& command : commands) {
    command.add(*app.add_subcommand(command.name, command.summary), chosen);
  }
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool named = names_command(arguments);
  if (!named) {
    if (const auto misplaced = tpx::cli::option_before_command(app, arguments)) {
      tpx::cli::report(*misplaced);
      return tpx::cli::kUsage;
    }
    arguments.insert(arguments.begin(), commands.front().name);
  }
  if (!arguments[0].starts_with("-") && !tpx::cli::knows_command(app, arguments[0])) {
    tpx::cli::report(tpx::cli::unknown_command(app, arguments[0]));
    return tpx::cli::kUsage;
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  try {
    app.parse(arguments);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    tpx::cli::report(tpx::cli::usage_error(app, error, named));
    return tpx::cli::kUsage;
  }
  tpx::kernel::raise_open_files();
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return tpx::cli::kFailure;
  }
}
