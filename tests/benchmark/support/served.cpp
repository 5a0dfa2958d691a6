#include "support/served.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/registry.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fstream>
#include <memory>
#include <utility>

#include "base/unique_fd.h"

namespace tpx::benchmark {

namespace {

double now_ms(clockid_t clock = CLOCK_MONOTONIC) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

sockaddr_in localhost(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// A port that nobody listens on just now.
std::uint16_t free_port() {
  const UniqueFd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = localhost(0);
  socklen_t length = sizeof address;
  if (bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return 0;
  }
  return ntohs(address.sin_port);
}

[[noreturn]] void serve_prometheus_cpp(std::uint16_t port, std::size_t series) {
  prometheus::Exposer exposer("127.0.0.1:" + std::to_string(port));
  const auto registry = std::make_shared<prometheus::Registry>();
  auto& family = prometheus::BuildCounter().Name("tracepoint_calls_total").Help("Calls.").Register(*registry);
  for (std::size_t i = 0; i < series; ++i) {
    family.Add({{"fd", std::to_string((1 << 20) + i)}, {"comm", "scrape_benchmar"}}).Increment(static_cast<double>(i));
  }
  exposer.RegisterCollectable(registry);
  for (;;) {
    pause();
  }
}

}  // namespace

Served::Served(Served&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), port_(other.port_), start_ms_(other.start_ms_) {}

Served::~Served() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

Result<Served> Served::exporter(const std::string& yaml) {
  const std::string file = std::string(TPX_BENCHMARK_JSON) + ".yaml";
  const std::uint16_t port = free_port();
  const std::string address = "--web.listen-address=127.0.0.1:" + std::to_string(port);
  const std::string configuration = "--config.file=" + file;
  std::ofstream(file) << yaml;
  const double start = now_ms();
  const pid_t pid = fork();
  if (pid == 0) {
    const int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl(TPX_EXPORTER, TPX_EXPORTER, "serve", address.c_str(), yaml.empty() ? nullptr : configuration.c_str(),
          nullptr);
    _exit(127);
  }
  Served served(pid, port);
  if (auto ready = served.wait_until_ready(start); !ready) {
    return fail(std::move(ready.error()));
  }
  return served;
}

Result<Served> Served::prometheus_cpp(std::size_t series) {
  const std::uint16_t port = free_port();
  const double start = now_ms();
  const pid_t pid = fork();
  if (pid == 0) {
    serve_prometheus_cpp(port, series);
  }
  Served served(pid, port);
  if (auto ready = served.wait_until_ready(start); !ready) {
    return fail(std::move(ready.error()));
  }
  return served;
}

Result<void> Served::wait_until_ready(double since) {
  while (now_ms() - since < 60000) {
    if (scrape(false)) {
      start_ms_ = now_ms() - since;
      return {};
    }
    if (pid_ < 0 || waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return fail("the server ended");
    }
    poll(nullptr, 0, 1);
  }
  return fail("the server did not answer within a minute");
}

Result<Scraped> Served::scrape(bool gzip) const {
  clockid_t cpu{};
  if (clock_getcpuclockid(pid_, &cpu) != 0) {
    return fail("no such process");
  }
  const UniqueFd connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = localhost(port_);
  const double start = now_ms();
  const double cpu_start = now_ms(cpu);
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(os_failure("can't connect", errno));
  }
  const std::string request = std::string("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n") +
                              (gzip ? "Accept-Encoding: gzip\r\n\r\n" : "\r\n");
  if (write(connection.get(), request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
    return fail("can't send");
  }
  Scraped result;
  std::string piece(std::size_t{256} * 1024, '\0');
  bool good = false;
  for (;;) {
    const ssize_t length = read(connection.get(), piece.data(), piece.size());
    if (length <= 0) {
      break;
    }
    good = good || (result.bytes == 0 && piece.compare(0, 12, "HTTP/1.1 200") == 0);
    result.bytes += static_cast<std::size_t>(length);
    result.lines += static_cast<std::size_t>(std::count(piece.begin(), piece.begin() + length, '\n'));
  }
  result.wall_ms = now_ms() - start;
  result.cpu_ms = now_ms(cpu) - cpu_start;
  if (!good) {
    return fail("the answer is not 200");
  }
  return result;
}

double Served::stop() {
  const double start = now_ms();
  kill(pid_, SIGTERM);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
  return now_ms() - start;
}

double Served::megabytes(const std::string& name) const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) {
      return static_cast<double>(std::strtoull(line.c_str() + name.size() + 1, nullptr, 10)) / 1024;
    }
  }
  return 0;
}

}  // namespace tpx::benchmark
