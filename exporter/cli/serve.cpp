#include <malloc.h>
#include <netinet/in.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/config_watch.h"
#include "cli/log.h"
#include "cli/options.h"
#include "cli/privileges.h"
#include "cli/report.h"
#include "cli/service_manager.h"
#include "cli/service_signals.h"
#include "cli/stderr_pump.h"
#include "cli/system_calls.h"
#include "cli/systemd_sockets.h"
#include "http/admin_routes.h"
#include "http/listen_address.h"
#include "http/server.h"
#include "http/server_families.h"
#include "loader/pin_directory.h"
#include "page/sources.h"
#include "service/service.h"

namespace tpx::cli {

namespace {

/// NODE_NAME, which the Helm chart sets because a pod's own host name is that of the pod; else the host name.
std::string host_name() {
  if (const char* node = std::getenv("NODE_NAME"); node != nullptr && *node != '\0') {
    return node;
  }
  std::array<char, 256> host{};
  return gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

struct ServeOptions {
  std::vector<std::string> files;
  bool strict = false;
  std::vector<std::string> addresses{":19435"};
  std::string telemetry_path = "/metrics";
  std::string route_prefix;
  bool disable_exporter_metrics = false;
  std::string web_config;
  std::string series_start = "zero";
  std::string min_age = "5s";
  std::string linger = "5m";
  std::string pin_path;
  bool detach_on_exit = false;
  bool watch = false;
  bool lifecycle = false;
  bool systemd_socket = false;
  std::size_t max_requests = http::ServerOptions{}.max_requests;
  std::size_t max_connections = http::ServerOptions{}.max_connections;
  kernel::Paths paths;
  LogOptions log;
};

ReportFormat report_format(const LogOptions& log) {
  return log.format == "json" ? ReportFormat::Json : ReportFormat::Text;
}

/// The exit code of a start that ended so.
int exit_code(service::LoadResult::Outcome outcome) {
  return outcome == service::LoadResult::Outcome::Served    ? kOk
         : outcome == service::LoadResult::Outcome::Refused ? kUsage
                                                            : kFailure;
}

service::ServiceOptions service_options(const ServeOptions& options, const std::shared_ptr<spdlog::logger>& log) {
  service::ServiceOptions result;
  result.files = options.files;
  result.strict = options.strict;
  result.paths = options.paths;
  result.series_start = options.series_start == "value" ? service::SeriesStart::Value : service::SeriesStart::Zero;
  result.times = {parse_duration(options.min_age).value_or(service::SeriesTimes{}.min_age),
                  parse_duration(options.linger).value_or(service::SeriesTimes{}.linger)};
  result.exporter_metrics = !options.disable_exporter_metrics;
  result.log = log;
  const bool low_ports = std::any_of(options.addresses.begin(), options.addresses.end(), [](const std::string& text) {
    const auto address = http::parse_listen_address(text);
    return address && address->address.port() != 0 && address->address.port() < IPPORT_RESERVED;
  });
  const FileNames names = options.pin_path.empty() ? FileNames::Fixed : FileNames::Replaced;
  result.attached = [log, low_ports, names, procfs = options.paths.procfs] {
    if (const auto done = drop_privileges(procfs, low_ports); !done) {
      log->warn("{}", done.error().message);
    }
    if (const auto done = forbid_system_calls(names); !done) {
      log->info("{}", done.error().message);
    }
  };
  result.missing_privileges = [paths = options.paths] { return missing_privileges(paths); };
  return result;
}

/// Loads the configuration; what is wrong with it goes to stderr.
service::LoadResult load(service::Service& service, ReportFormat format) {
  service::LoadResult result = service.load();
  if (!result.errors.empty()) {
    report(result.errors, result.config, format);
  }
  return result;
}

page::PageInfo page_info(const ServeOptions& options, const service::Service& service,
                         std::chrono::steady_clock::time_point started) {
  page::PageInfo info;
  info.version = service::this_build().version;
  info.hostname = host_name();
  utsname system{};
  info.kernel = uname(&system) == 0 ? system.release : "";
  info.route_prefix = options.route_prefix;
  info.metrics_path = options.telemetry_path;
  info.lifecycle = options.lifecycle;
  info.config = options.files.empty() ? "built in" : options.files.front();
  info.reload_error = service.load_error();
  info.reload_successful = info.reload_error.empty();
  info.up = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started);
  return info;
}

/// The routes of the pages, with a thread that samples what is lost for as long as there are routes.
std::vector<http::Route> page_routes_of(const ServeOptions& options, const std::shared_ptr<service::Service>& service) {
  const auto started = std::chrono::steady_clock::now();
  page::Sources sources;
  sources.info = [options, service, started] { return page_info(options, *service, started); };
  sources.status = [service] { return service->status(); };
  sources.detail = [service](const std::string& name) { return service->detail(name); };
  sources.configuration = [service] { return service->configuration(); };
  sources.last_load = [service] { return service->last_load(); };
  sources.rates = std::make_shared<page::RateHistory>();
  sources.rates->sample(service->status(), started);
  sources.losses = std::make_shared<page::LossHistory>(started);
  sources.sampler =
      std::make_shared<std::jthread>(page::sample_losses(sources.losses, [service] { return service->counts(); }));
  sources.paths = options.paths;
  return page::page_routes(sources);
}

/// What a reload that worked answers: the number of metrics in use, and a line for each that this kernel can't serve.
std::string text_of_served(service::Service& service) {
  const service::ExporterStatus status = service.status();
  std::string down;
  std::size_t up = 0;
  for (const service::MetricStatus& metric : status.metrics) {
    if (metric.up) {
      ++up;
    } else {
      down +=
          "not served: " + metric.name + ": " + metric.reason + (metric.hint.empty() ? "" : "; " + metric.hint) + "\n";
    }
  }
  return "serving " + counted(up, "metric") + "\n" + down;
}

std::vector<http::Route> routes_of(const ServeOptions& options, const std::shared_ptr<service::Service>& service) {
  std::vector<http::Route> routes;
  routes.push_back(
      {options.telemetry_path,
       {"GET"},
       [service](const http::Request& request, http::Response& response) { service->scrape(request, response); },
       true});
  if (options.telemetry_path != "/") {
    for (http::Route& route : page_routes_of(options, service)) {
      routes.push_back(std::move(route));
    }
  }
  http::Admin admin;
  admin.ready = [] { return true; };
  admin.lifecycle = options.lifecycle;
  admin.reload = [service, format = report_format(options.log)]() -> Result<std::string> {
    const service::LoadResult result = load(*service, format);
    if (result.outcome == service::LoadResult::Outcome::Served) {
      return text_of_served(*service);
    }
    std::string lines;
    for (const Error& error : config::by_place(result.errors)) {
      lines += "\n" + config::render_line(error);
    }
    return fail("the previous configuration stays in use" + lines);
  };
  for (http::Route& route : http::admin_routes(admin)) {
    routes.push_back(std::move(route));
  }
  for (http::Route& route : routes) {
    route.path = options.route_prefix + route.path;
  }
  if (!options.route_prefix.empty()) {
    routes.push_back({"/", {"GET"}, [to = options.route_prefix + "/"](const http::Request&, http::Response& response) {
                        response.begin(302, {{"Location", to}});
                      }});
  }
  return routes;
}

/// One heap for all threads, and what was large goes back to the system when it is freed: connections come and go in
/// threads of their own, and each would keep what its largest scrape took.
void spare_memory() {
#if defined(__GLIBC__)
  constexpr int kLarge = 128 * 1024;
  // Kept: what a page takes on its way to the client, which each scrape would fault in anew.
  constexpr int kKept = 8 * 1024 * 1024;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kKept);
#endif
}

http::ServerOptions server_options(const ServeOptions& options, const std::shared_ptr<spdlog::logger>& log) {
  http::ServerOptions server;
  server.addresses = options.addresses;
  server.web_config_file = options.web_config;
  server.max_requests = options.max_requests;
  server.max_connections = options.max_connections;
  server.log = log;
  return server;
}

/// Null where no directory is wanted, and where there can't be one on this system: then counting ends with this process.
Result<std::shared_ptr<loader::PinDirectory>> pin_directory(const ServeOptions& options, spdlog::logger& log) {
  if (options.pin_path.empty()) {
    return nullptr;
  }
  auto directory = loader::PinDirectory::open(options.pin_path);
  if (directory) {
    return std::shared_ptr<loader::PinDirectory>(std::move(*directory));
  }
  if (directory.error().os_error == EWOULDBLOCK) {
    return fail(std::move(directory.error()));
  }
  log.warn("counting will end with this process: {}{}{}", directory.error().message,
           directory.error().hint.empty() ? "" : "; ", directory.error().hint);
  return nullptr;
}

/// Reloads at each SIGHUP; returns at the signal that ends the service.
void serve_events(ServiceSignals& signals, service::Service& service, ServiceManager& manager, spdlog::logger& log,
                  ReportFormat format) {
  const auto ready = [&] {
    const std::string error = service.load_error();
    manager.ready(error.empty() ? "serving" : "serving; the last reload failed: " + error);
  };
  ready();
  for (;;) {
    const auto event = signals.wait(manager.watchdog_period());
    manager.alive();
    if (event == ServiceSignals::Event::None) {
      continue;
    }
    if (event != ServiceSignals::Event::Reload) {
      log.info("stopping on {}", event == ServiceSignals::Event::Interrupt ? "SIGINT" : "SIGTERM");
      manager.stopping();
      return;
    }
    log.info("reloading the configuration");
    manager.reloading();
    if (load(service, format).outcome != service::LoadResult::Outcome::Served) {
      log.error("the reload failed; the previous configuration stays in use");
    }
    ready();
  }
}

/// Serves until a signal ends it.
int serve_until(ServiceSignals& signals, const ServeOptions& options, const std::shared_ptr<spdlog::logger>& log,
                const std::shared_ptr<DroppedLines>& lost, std::vector<UniqueFd> reserved,
                std::vector<UniqueFd> inherited) {
  ServiceManager manager;
  const ReportFormat format = report_format(options.log);
  const auto pins = pin_directory(options, *log);
  if (!pins) {
    report(pins.error(), format);
    return kFailure;
  }
  service::ServiceOptions load_options = service_options(options, log);
  load_options.pins = *pins;
  const auto service = std::make_shared<service::Service>(std::move(load_options));
  const http::ServerOptions settings = server_options(options, log);
  *settings.sockets = std::move(inherited);
  service->add_own_metrics([http = settings.statistics, lost] { return http::server_families(*http, lost->load()); });
  if (const int code = exit_code(load(*service, format).outcome); code != kOk) {
    return code;
  }
  auto server = http::HttpServer::start(settings, routes_of(options, service));
  if (!server) {
    report(server.error(), format);
    return kFailure;
  }
  reserved.clear();
  for (const http::BoundAddress& address : (*server)->addresses()) {
    log->info("listening on {}://{}{}", (*server)->uses_tls() ? "https" : "http", address.text,
              options.route_prefix + options.telemetry_path);
  }
  auto watch = options.watch ? ConfigWatch::start(options.files, [&signals] { signals.reload(); })
                             : Result<std::unique_ptr<ConfigWatch>>(nullptr);
  if (!watch) {
    report(watch.error(), format);
    return kFailure;
  }
  serve_events(signals, *service, manager, *log, format);
  (*server)->stop();
  if (*pins && options.detach_on_exit) {
    if (const auto cleared = (*pins)->clear(); !cleared) {
      report(cleared.error(), format);
      return kFailure;
    }
  }
  return kOk;
}

/// Binds the addresses before anything is attached, so that one in use is told first. Held until the server has bound them
/// itself.
int reserve_addresses(const ServeOptions& options, std::vector<UniqueFd>& reserved) {
  for (const std::string& text : options.addresses) {
    const auto address = http::parse_listen_address(text);
    if (!address) {
      report(address.error(), report_format(options.log));
      return kUsage;
    }
    auto socket = http::reserve(*address);
    if (!socket) {
      report(socket.error(), report_format(options.log));
      return kFailure;
    }
    reserved.push_back(std::move(*socket));
  }
  return kOk;
}

int serve(const ServeOptions& options) {
  auto inherited = options.systemd_socket ? take_systemd_sockets() : Result<std::vector<UniqueFd>>();
  if (!inherited) {
    report(inherited.error(), report_format(options.log));
    return kUsage;
  }
  forbid_new_privileges();
  spare_memory();
  const auto lost = std::make_shared<DroppedLines>(0);
  auto log = make_logger(options.log, lost);
  if (!log) {
    report(log.error());
    return kUsage;
  }
  std::vector<UniqueFd> reserved;
  if (const int code = inherited->empty() ? reserve_addresses(options, reserved) : kOk; code != kOk) {
    return code;
  }
  const auto signals = ServiceSignals::start();
  const auto pump = signals ? StderrPump::start() : Result<std::unique_ptr<StderrPump>>(nullptr);
  if (!signals || !pump) {
    report(signals ? pump.error() : signals.error(), report_format(options.log));
    return kFailure;
  }
  return serve_until(**signals, options, *log, lost, std::move(reserved), std::move(*inherited));
}

}  // namespace

Command serve_command() {
  return {
      "serve", "Serve metrics over HTTP (the default)", [](CLI::App& app, std::function<int()>& run) {
        auto options = std::make_shared<ServeOptions>();
        app.footer("Example: tracepoint_exporter serve --config.file=/etc/tracepoint_exporter/config.yaml");
        app.add_option("--config.file", options->files,
                       "Configuration file, or a directory of *.yaml; repeatable (default: the built-in one)");
        app.add_flag("--config.strict", options->strict, "Fail when any metric can't be served on this kernel");
        app.add_option("--web.listen-address", options->addresses, "Address to listen on; repeatable")
            ->allow_extra_args(false)
            ->capture_default_str();
        app.add_flag("--web.systemd-socket", options->systemd_socket,
                     "Listen on the sockets of systemd's socket activation, not on --web.listen-address");
        app.add_option("--web.telemetry-path", options->telemetry_path, "Path of the metrics")
            ->capture_default_str()
            ->check([](const std::string& path) {
              return path.starts_with("/") ? std::string() : std::string("the path begins with /");
            });
        app.add_option("--web.route-prefix", options->route_prefix, "Prefix of all paths, for a reverse proxy")
            ->check([](const std::string& path) {
              return path.starts_with("/") ? std::string() : std::string("the prefix begins with /");
            });
        app.add_flag("--web.disable-exporter-metrics", options->disable_exporter_metrics,
                     "Leave out metrics about the exporter's process and HTTP server");
        app.add_option(
               "--web.series-start", options->series_start,
               "First sample of a series for each scraper: zero (rate() and increase() see its first events) or "
               "value")
            ->capture_default_str()
            ->check(CLI::IsMember({"zero", "value"}));
        const auto is_duration = [](const std::string& text) {
          return parse_duration(text) ? std::string() : std::string("not a duration; write it like 5s, 500ms or 1m30s");
        };
        app.add_option("--series.min-age", options->min_age,
                       "With retire_on_exit, the age from which a series is exposed; default of min_age")
            ->capture_default_str()
            ->check(is_duration);
        app.add_option("--series.linger", options->linger,
                       "How long a series keeps its last value after its process has exited")
            ->capture_default_str()
            ->check(is_duration);
        app.add_option("--web.config.file", options->web_config, "TLS and basic authentication (exporter-toolkit)");
        app.add_option("--web.max-requests", options->max_requests,
                       "Limit of concurrent scrapes, including waiting ones; more are answered with 503 (0: no limit)")
            ->capture_default_str();
        app.add_option("--web.max-connections", options->max_connections,
                       "Limit of connections; a new one closes the one that has been idle longest")
            ->capture_default_str()
            ->check(CLI::Range(std::size_t{8}, std::size_t{1} << 20U));
        app.add_flag("--web.enable-lifecycle", options->lifecycle, "Allow reloading by POST /-/reload");
        app.add_flag("--config.watch", options->watch, "Reload when a configuration file changes");
        app.add_option("--bpf.pin-path", options->pin_path,
                       "Directory on a BPF filesystem that keeps counting while no exporter runs, such as "
                       "/sys/fs/bpf/tracepoint_exporter");
        app.add_flag("--bpf.detach-on-exit", options->detach_on_exit,
                     "Detach at the end, also what --bpf.pin-path keeps");
        add_path_options(app, options->paths);
        app.add_option("--log.level", options->log.level, "debug, info, warn or error")->capture_default_str();
        app.add_option("--log.format", options->log.format, "logfmt or json")->capture_default_str();
        app.callback([options, &run] {
          while (options->route_prefix.ends_with('/')) {
            options->route_prefix.pop_back();
          }
          run = [options] { return serve(*options); };
        });
      }};
}

}  // namespace tpx::cli
