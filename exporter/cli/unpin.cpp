#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/report.h"
#include "loader/pin_directory.h"

namespace tpx::cli {

namespace {

int unpin(const std::string& path, bool dry_run) {
  const auto directory = loader::PinDirectory::open_to_clear(path);
  if (!directory) {
    report(directory.error());
    return kFailure;
  }
  const auto names = dry_run ? (*directory)->names() : (*directory)->clear();
  if (!names) {
    report(names.error());
    return kFailure;
  }
  for (const std::string& name : *names) {
    std::printf("%s%s/%s\n", dry_run ? "would remove " : "removed ", path.c_str(), name.c_str());
  }
  return kOk;
}

}  // namespace

Command unpin_command() {
  return {"unpin", "Detach what an exporter left counting in a directory of pins",
          [](CLI::App& app, std::function<int()>& run) {
            app.footer("Example: tracepoint_exporter unpin --dry-run /sys/fs/bpf/tracepoint_exporter");
            auto path = std::make_shared<std::string>();
            auto dry_run = std::make_shared<bool>(false);
            app.add_option("DIRECTORY", *path, "The directory that --bpf.pin-path named")->required();
            app.add_flag("--dry-run", *dry_run, "Only list what would be removed");
            app.callback([path, dry_run, &run] { run = [path, dry_run] { return unpin(*path, *dry_run); }; });
          }};
}

}  // namespace tpx::cli
