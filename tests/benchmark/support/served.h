#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/error.h"

namespace tpx::benchmark {

/// What one scrape gave.
struct Scraped {
  std::size_t bytes = 0;  ///< of the answer, as sent
  std::size_t lines = 0;
  double wall_ms = 0;
  double cpu_ms = 0;  ///< of the serving process
};

/// A process that serves metrics on localhost; killed when it goes.
class Served {
 public:
  /// This build's exporter with this configuration (empty: the built-in one).
  [[nodiscard]] static Result<Served> exporter(const std::string& yaml);
  /// prometheus-cpp's Exposer with one counter of `series` label sets.
  [[nodiscard]] static Result<Served> prometheus_cpp(std::size_t series);

  Served(Served&& other) noexcept;
  Served& operator=(Served&&) = delete;
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served();

  [[nodiscard]] Result<Scraped> scrape(bool gzip) const;
  /// Milliseconds from its start to the end of the first good scrape.
  [[nodiscard]] double start_ms() const { return start_ms_; }
  /// Milliseconds from SIGTERM until it is gone.
  [[nodiscard]] double stop();
  /// A line of /proc/PID/status in MB: VmRSS, VmHWM, RssAnon.
  [[nodiscard]] double megabytes(const std::string& name) const;

 private:
  Served(pid_t pid, std::uint16_t port) : pid_(pid), port_(port) {}
  [[nodiscard]] Result<void> wait_until_ready(double since);

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  double start_ms_ = 0;
};

}  // namespace tpx::benchmark
