// How long the exporter takes to its first good scrape and to stop, and its memory between: with the default configuration
// and with 10, 100 and 500 attach points. Prints a table and writes build/bench.json; no pass or fail.
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "support/report.h"
#include "support/served.h"
#include "support/statistics.h"

namespace {

using namespace tpx;
using namespace tpx::benchmark;

constexpr int kRounds = 5;

/// One metric without labels on each of `count` tracepoints that tp_btf serves with a program of its own.
std::string configuration(const kernel::Kernel& kernel, std::size_t count) {
  std::string yaml = "metrics:\n";
  const auto names = kernel.tracefs.match("*/*");
  if (!names || !kernel.btf) {
    return {};
  }
  std::size_t used = 0;
  std::set<std::string> events;
  for (const std::string& name : *names) {
    const std::string event = name.substr(name.find('/') + 1);
    if (used == count || name.starts_with("syscalls/") || !kernel.btf->tracepoint(event) ||
        !events.insert(event).second) {
      continue;
    }
    yaml += "  - name: attached" + std::to_string(used++) + "_total\n    tracepoint: " + name + "\n";
  }
  return used == count ? yaml : std::string();
}

void measure(const std::string& name, const std::string& yaml, nlohmann::json& all) {
  std::vector<double> starts;
  std::vector<double> stops;
  double memory = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto server = Served::exporter(yaml);
    if (!server) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), server.error().message.c_str());
      return;
    }
    starts.push_back(server->start_ms());
    memory = server->megabytes("VmRSS");
    stops.push_back(server->stop());
  }
  std::printf("%-24s %12.0f %10.0f %12.1f\n", name.c_str(), median(starts), median(stops), memory);
  std::fflush(stdout);
  all[name] = {{"start_ms", median(starts)}, {"stop_ms", median(stops)}, {"resident_mb", memory}};
}

}  // namespace

int main() {
  const auto kernel = kernel::running_kernel({});
  if (!kernel) {
    std::fprintf(stderr, "%s\n", kernel.error().message.c_str());
    return 1;
  }
  std::printf("%-24s %12s %10s %12s\n", "", "scraped ms", "stop ms", "resident MiB");
  nlohmann::json all = nlohmann::json::object();
  measure("default configuration", {}, all);
  for (const std::size_t count : {10U, 100U, 500U}) {
    const std::string yaml = configuration(*kernel, count);
    if (yaml.empty()) {
      std::fprintf(stderr, "this kernel has fewer than %zu tracepoints in BTF\n", count);
      continue;
    }
    measure(std::to_string(count) + " attach points", yaml, all);
  }
  report("start and stop", all);
  return 0;
}
