// What a scrape costs end to end over HTTP: this build's exporter, its series made by real events, beside prometheus-cpp's
// Exposer with as many counters. Prints a table and writes build/bench.json; no pass or fail.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "support/report.h"
#include "support/served.h"
#include "support/statistics.h"

namespace {

using namespace tpx;
using namespace tpx::benchmark;

constexpr int kRounds = 7;
constexpr int kFirstUnused = 1 << 20;

std::string configuration(std::size_t series) {
  return "metrics:\n  - name: calls_total\n    tracepoint: syscalls/sys_enter_close\n    filter: args.fd >= 1048576\n"
         "    labels: {fd: args.fd, comm: comm}\n    max_series: " +
         std::to_string(series) + "\n";
}

/// One event a series.
void make_events(std::size_t series) {
  for (std::size_t i = 0; i < series; ++i) {
    syscall(SYS_close, kFirstUnused + static_cast<int>(i));
  }
}

struct Times {
  std::vector<double> wall;
  std::vector<double> cpu;
};

bool scrape_often(const Served& server, bool gzip, std::size_t series, Times& times) {
  for (int round = 0; round < kRounds; ++round) {
    const auto scraped = server.scrape(gzip);
    if (!scraped || (!gzip && scraped->lines < series)) {
      std::fprintf(stderr, "a scrape failed: %s\n", scraped ? "series are missing" : scraped.error().message.c_str());
      return false;
    }
    times.wall.push_back(scraped->wall_ms);
    times.cpu.push_back(scraped->cpu_ms);
  }
  return true;
}

void measure(const char* name, std::size_t series, Result<Served> server, nlohmann::json& all) {
  if (!server) {
    std::fprintf(stderr, "%s: %s\n", name, server.error().message.c_str());
    return;
  }
  if (std::string(name) == "exporter") {
    make_events(series);
  }
  Times plain;
  Times gzip;
  const auto first = server->scrape(false);
  if (!first || !scrape_often(*server, false, series, plain) || !scrape_often(*server, true, series, gzip)) {
    return;
  }
  const double peak = server->megabytes("VmHWM");
  const double resident = server->megabytes("VmRSS");
  std::printf("%-15s %9zu %10.2f %10.2f %10.2f %10.2f %10.2f %8.1f %9.1f %9.1f\n", name, series, first->wall_ms,
              median(plain.wall), median(plain.cpu), median(gzip.wall), median(gzip.cpu),
              median(gzip.cpu) / median(plain.cpu), resident, peak);
  std::fflush(stdout);
  all.push_back({{"server", name},
                 {"series", series},
                 {"first_ms", first->wall_ms},
                 {"plain_ms", median(plain.wall)},
                 {"plain_cpu_ms", median(plain.cpu)},
                 {"gzip_ms", median(gzip.wall)},
                 {"gzip_cpu_ms", median(gzip.cpu)},
                 {"resident_mb", resident},
                 {"peak_mb", peak}});
}

}  // namespace

int main() {
  std::printf("%-15s %9s %10s %10s %10s %10s %10s %8s %9s %9s\n", "", "series", "first ms", "plain ms", "cpu ms",
              "gzip ms", "cpu ms", "x plain", "RSS MiB", "peak MiB");
  nlohmann::json all = nlohmann::json::array();
  for (const std::size_t series : {1000U, 10000U, 100000U, 1000000U}) {
    measure("exporter", series, Served::exporter(configuration(series)), all);
    if (series <= 100000) {  // a million of them take some 600 MB
      measure("prometheus-cpp", series, Served::prometheus_cpp(series), all);
    }
  }
  report("scrapes", all);
  return 0;
}
