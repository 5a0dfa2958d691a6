#pragma once

#include <CLI/App.hpp>

#include "kernel/kernel.h"

namespace tpx::cli {

/// --path.procfs, --path.sysfs, --path.tracefs, as node_exporter names them.
inline void add_path_options(CLI::App& app, kernel::Paths& paths) {
  app.add_option("--path.procfs", paths.procfs, "Where procfs is mounted")->capture_default_str();
  app.add_option("--path.sysfs", paths.sysfs, "Where sysfs is mounted")->capture_default_str();
  app.add_option("--path.tracefs", paths.tracefs, "Where tracefs is mounted (default: found, or mounted)");
}

}  // namespace tpx::cli
