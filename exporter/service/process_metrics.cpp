#include "service/process_metrics.h"

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "base/file.h"
#include "base/number.h"
#include "base/text.h"

namespace tpx::service {
namespace {

prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type, double value) {
  prometheus::MetricFamily made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.type = type;
  made.metric.resize(1);
  made.metric[0].counter.value = value;
  made.metric[0].gauge.value = value;
  return made;
}

std::optional<double> count_entries(const std::string& directory) {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    ++count;
  }
  return error ? std::nullopt : std::optional(count - 1);  // the iterator's own descriptor is one of them
}

}  // namespace

Result<ProcessFigures> parse_process_stat(std::string_view text, double ticks, double page, double boot) {
  const std::size_t name_end = text.rfind(')');  // the name itself may hold anything
  if (name_end == std::string_view::npos) {
    return fail("not a process' stat file");
  }
  const auto fields = split(trim(text.substr(name_end + 1)), ' ');
  const auto field =
      [&](std::size_t index) -> std::optional<double> {  // numbered as in the manual; 3 is the first here
    return index - 3 < fields.size() ? whole_number<double>(fields[index - 3]) : std::nullopt;
  };
  const auto user = field(14);
  const auto system = field(15);
  const auto start = field(22);
  const auto virtual_bytes = field(23);
  const auto pages = field(24);
  if (!user || !system || !start || !virtual_bytes || !pages) {
    return fail("a process' stat file is cut short");
  }
  return ProcessFigures{(*user + *system) / ticks, *virtual_bytes, *pages * page, boot + *start / ticks};
}

Result<double> parse_boot_time(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.substr(0, 6) == "btime ") {
      if (const auto seconds = whole_number<double>(trim(line.substr(6)))) {
        return *seconds;
      }
    }
  }
  return fail("/proc/stat has no btime");
}

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  using prometheus::MetricType;
  std::vector<prometheus::MetricFamily> all;
  const auto stat = read_file(procfs_ + "/self/stat");
  const auto machine = read_file(procfs_ + "/stat");
  const auto boot = machine ? parse_boot_time(*machine) : Result<double>(fail("no /proc/stat"));
  if (stat && boot) {
    const auto figures = parse_process_stat(*stat, static_cast<double>(::sysconf(_SC_CLK_TCK)),
                                            static_cast<double>(::sysconf(_SC_PAGESIZE)), *boot);
    if (figures) {
      all.push_back(family("process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
                           MetricType::Counter, figures->cpu_seconds));
      all.push_back(family("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge,
                           figures->virtual_bytes));
      all.push_back(family("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge,
                           figures->resident_bytes));
      all.push_back(family("process_start_time_seconds", "Start of the process, in seconds since the epoch.",
                           MetricType::Gauge, figures->start_seconds));
    }
  }
  if (const auto open = count_entries(procfs_ + "/self/fd")) {
    all.push_back(family("process_open_fds", "Open file descriptors.", MetricType::Gauge, *open));
  }
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    all.push_back(family("process_max_fds", "Most file descriptors that may be open.", MetricType::Gauge,
                         static_cast<double>(limit.rlim_cur)));
  }
  return all;
}

}  // namespace tpx::service
