#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/duration.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/log.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "cli/privileges.h"
#include "cli/report.h"
#include "cli/service_signals.h"
#include "cli/session.h"
#include "cli/stderr_pump.h"
#include "decode/containers.h"
#include "expose/admin_routes.h"
#include "expose/gzip_sink.h"
#include "expose/http_server.h"
#include "expose/landing_page.h"
#include "expose/listen_address.h"
#include "expose/metric_service.h"
#include "expose/negotiate.h"
#include "expose/own_metrics.h"
#include "expose/registry_text.h"
#include "expose/scrapers.h"
#include "expose/server_families.h"
#include "live/cgroup_watch.h"

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
  std::string web_config;
  std::string series_start = "zero";
  std::string min_age = "5s";
  std::string linger = "5m";
  bool lifecycle = false;
  std::size_t max_requests = expose::ServerOptions{}.max_requests;
  std::size_t max_connections = expose::ServerOptions{}.max_connections;
  kernel::Paths paths;
  LogOptions log;
};

ReportFormat report_format(const LogOptions& log) {
  return log.format == "json" ? ReportFormat::Json : ReportFormat::Text;
}

class SocketSink : public expose::ChunkSink {
 public:
  explicit SocketSink(expose::Response& response) : response_(response) {}
  [[nodiscard]] bool write(std::string_view piece) override { return response_.write(piece); }

 private:
  expose::Response& response_;
};

decode::Environment environment_of(const kernel::Paths& paths) {
  decode::Environment environment;
  environment.procfs = paths.procfs;
  environment.sysfs = paths.sysfs;
  environment.cgroupfs = paths.sysfs + "/fs/cgroup";
  return decode::with_shared(std::move(environment));
}

/// The server's state between scrapes and reloads. Thread-safe.
class Exporter {
 public:
  Exporter(ServeOptions options, std::shared_ptr<spdlog::logger> log)
      : options_(std::move(options)),
        log_(std::move(log)),
        report_format_(report_format(options_.log)),
        environment_(environment_of(options_.paths)),
        own_(expose::this_build(), options_.paths.procfs),
        scrapers_(options_.series_start == "value" ? expose::SeriesStart::Value : expose::SeriesStart::Zero),
        times_{parse_duration(options_.min_age).value_or(expose::SeriesTimes{}.min_age),
               parse_duration(options_.linger).value_or(expose::SeriesTimes{}.linger)} {}

  /// How a load ended.
  struct LoadResult {
    int exit_code = kOk;
    Errors errors = {};  ///< why it failed; they are on stderr already
  };

  /// Loads the configuration and attaches; what ran before goes on when that fails. Loads come one after another, so that
  /// what runs is what the files said last.
  LoadResult load() {
    const std::lock_guard one(loading_);
    LoadResult result = load_or_report();
    std::string reason = summary(result.errors);
    own_.observe_reload(result.exit_code == kOk, static_cast<double>(std::time(nullptr)), reason);
    const std::lock_guard lock(mutex_);
    reload_error_ = std::move(reason);
    return result;
  }

  void scrape(const expose::Request& request, expose::Response& response) {
    const auto start = std::chrono::steady_clock::now();
    const std::string* accept = request.header("Accept");
    const std::string* encoding = request.header("Accept-Encoding");
    const expose::Negotiated chosen = expose::negotiate(accept ? *accept : "", encoding ? *encoding : "");
    expose::Headers headers{{"Content-Type", std::string(chosen.content_type)}, {"Vary", "Accept, Accept-Encoding"}};
    if (chosen.gzip) {
      headers.emplace_back("Content-Encoding", "gzip");
    }
    response.begin(200, std::move(headers));
    SocketSink socket(response);
    std::optional<expose::GzipSink> gzip;
    if (chosen.gzip) {
      gzip.emplace(socket);
    }
    expose::TextWriter writer(chosen.gzip ? static_cast<expose::ChunkSink&>(*gzip) : socket, chosen.format);
    const auto client = expose::scrape_client(request);
    std::shared_ptr<Service> service;
    expose::Scrapers::Scrape scrape;
    bool all = false;
    {
      // One page after the other, over a reload too: the numbers of the scrapes say in which order series were shown.
      const std::lock_guard page(pages_);
      service = current();
      if (service->cgroups) {
        service->cgroups->learn();
      }
      scrape = scrapers_.begin(client, std::chrono::steady_clock::now());
      scrape.begun = start;
      all = service->metrics->scrape(writer, scrape.showing);
    }
    expose::write_families(writer, own_.collect(status_of(*service, expose::MetricService::Detail::Counts)));
    const bool complete = writer.finish() && (!gzip || gzip->finish());
    scrapers_.end(scrape, complete && all, std::chrono::steady_clock::now());
    if (complete) {
      own_.observe_scrape(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }

  [[nodiscard]] expose::ExporterStatus status() { return status_of(*current(), expose::MetricService::Detail::Totals); }

  /// More metrics about the exporter itself. Before the first scrape.
  void add_own_metrics(std::function<std::vector<prometheus::MetricFamily>()> source) {
    own_.add_source(std::move(source));
  }

  [[nodiscard]] expose::PageInfo page() const {
    expose::PageInfo info;
    info.version = expose::this_build().version;
    info.hostname = host_name();
    utsname system{};
    info.kernel = uname(&system) == 0 ? system.release : "";
    info.metrics_path = options_.telemetry_path;
    info.config = options_.files.empty() ? "built in" : options_.files.front();
    {
      const std::lock_guard lock(mutex_);
      info.reload_successful = reload_error_.empty();
      info.reload_error = reload_error_;
    }
    info.up = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    return info;
  }

 private:
  /// What one configuration set up; replaced as a whole.
  struct Service {
    std::unique_ptr<live::CgroupWatch> cgroups;  ///< null where no label needs it, or the kernel can't
    std::unique_ptr<expose::MetricService> metrics;
  };

  [[nodiscard]] expose::ExporterStatus status_of(Service& service, expose::MetricService::Detail detail) const {
    expose::ExporterStatus status = service.metrics->status(detail);
    status.scrapers = scrapers_.known(std::chrono::steady_clock::now());
    return status;
  }

  [[nodiscard]] std::shared_ptr<Service> current() const {
    const std::lock_guard lock(mutex_);
    return service_;
  }

  LoadResult failed(int code, Errors errors, const config::Config& config = {}) {
    report(errors, config, report_format_);
    return {code, std::move(errors)};
  }

  /// What the system has no more of may not end the service.
  LoadResult load_or_report() {
    try {
      return try_load();
    } catch (const std::exception& error) {
      return failed(kFailure, {Error{std::string("the configuration can't be loaded: ") + error.what()}});
    }
  }

  LoadResult try_load() {
    config::Loaded loaded = load_configuration(options_.files);
    auto kernel = kernel::running_kernel(options_.paths);
    if (!kernel) {
      Errors errors = errors_without_kernel(loaded);
      const int code = errors.empty() ? kFailure : kUsage;
      errors.push_back(std::move(kernel.error()));
      return failed(code, std::move(errors), loaded.config);
    }
    if (kernel->tracefs.mounted_here()) {
      log_->warn("tracefs was not mounted; mounted it at {}", kernel->tracefs.root());
    }
    Prepared prepared = prepare(std::move(loaded), *kernel);
    if (Errors errors = refusal(prepared, options_.strict); !errors.empty()) {
      return failed(kUsage, std::move(errors), prepared.config);
    }
    return serve_configuration(std::move(prepared), *kernel);
  }

  LoadResult serve_configuration(Prepared prepared, const kernel::Kernel& kernel) {
    // Start the watch first: a cgroup created before it would be missed.
    auto cgroups = decode_cgroups(prepared) ? watch_cgroups(kernel) : nullptr;
    Attached attached = deploy(std::move(prepared), kernel);
    Errors refused = refused_by_kernel(attached);
    Errors not_served = refused;
    for (const plan::Rejected& rejected : attached.rejected) {
      not_served.push_back(Error(rejected.error).at(rejected.at));
    }
    for (const Error& error : not_served) {
      log_->warn("not served: {}", config::render_line(error));
    }
    if (options_.strict && !refused.empty()) {
      return failed(kFailure, std::move(refused));
    }
    if (!serves(attached.loaded) && !kernel.may_load) {
      auto missing = missing_privileges(options_.paths);
      return failed(kFailure, missing ? Errors{std::move(*missing)} : std::move(refused));
    }
    // A start leaves the exporter's own metrics to tell of it; a reload leaves what ran before.
    if (!serves(attached.loaded) && current() && !not_served.empty()) {
      return failed(kFailure, std::move(not_served));
    }
    for (const loader::LoadedMetric& metric : attached.loaded.metrics) {
      for (const std::string& note : metric.planned.notes) {
        log_->warn("{}: {}", metric.planned.plan.name, note);
      }
      log_warnings(metric.planned);
    }
    for (const loader::LoadedObject& object : attached.loaded.objects) {
      for (const loader::LoadedObjectMetric& metric : object.metrics) {
        log_warnings(metric.plan.planned);
      }
    }
    return start_service(std::move(attached), std::move(cgroups), kernel);
  }

  void log_warnings(const plan::PlannedMetric& metric) const {
    for (const Error& warning : metric.warnings) {
      const SourceLocation at = warning.location.value_or(SourceLocation{});
      log_->warn("{}:{}:{}: {}{}{}", at.file, at.line, at.column, warning.message, warning.hint.empty() ? "" : "; ",
                 warning.hint);
    }
  }

  /// Whether any metric is served.
  static bool serves(const loader::Loaded& loaded) {
    return !loaded.metrics.empty() ||
           std::any_of(loaded.objects.begin(), loaded.objects.end(),
                       [](const loader::LoadedObject& object) { return !object.metrics.empty(); });
  }

  static bool decode_cgroups(const Prepared& prepared) {
    const auto decodes = [](const auto& metric) { return decode::decodes_cgroups(metric.planned.plan); };
    const auto& [metrics, objects] = std::tie(prepared.plan.metrics, prepared.objects.objects);
    return std::any_of(metrics.begin(), metrics.end(),
                       [](const plan::PlannedMetric& metric) { return decode::decodes_cgroups(metric.plan); }) ||
           std::any_of(objects.begin(), objects.end(), [&](const OpenedObject& object) {
             return std::any_of(object.metrics.begin(), object.metrics.end(), decodes);
           });
  }

  std::unique_ptr<live::CgroupWatch> watch_cgroups(const kernel::Kernel& kernel) {
    auto watch = live::CgroupWatch::start(decode::cgroup_index(environment_), kernel, planner_options());
    if (!watch) {
      log_->warn("cgroups deleted before the first scrape will be labelled \"unknown\": {}", watch.error().message);
      return nullptr;
    }
    return std::move(*watch);
  }

  LoadResult start_service(Attached attached, std::unique_ptr<live::CgroupWatch> cgroups,
                           const kernel::Kernel& kernel) {
    std::size_t programs = attached.loaded.programs.size();
    for (const loader::LoadedObject& object : attached.loaded.objects) {
      programs += static_cast<std::size_t>(
          std::count_if(object.programs.begin(), object.programs.end(),
                        [](const loader::ObjectProgram& program) { return !program.refused; }));
    }
    drop_once();
    auto service = expose::MetricService::make(std::move(attached.loaded), std::move(attached.rejected), environment_,
                                               kernel.features, times_);
    if (!service) {
      return failed(kUsage, {service.error()});
    }
    if ((*service)->served() == 0) {
      log_->error(
          "this kernel can't serve any metric of the configuration; only the exporter's own metrics are served");
    }
    log_->info("serving {} with {}", counted((*service)->served(), "metric"), counted(programs, "program"));
    auto next = std::make_shared<Service>(Service{std::move(cgroups), std::move(*service)});
    {
      const std::lock_guard lock(mutex_);
      service_.swap(next);
    }
    next.reset();  // detaches what ran before; scrapes don't wait for it
    return {};
  }

  /// Before the service's threads are made: each would keep what this one has.
  void drop_once() {
    if (std::exchange(dropped_, true)) {
      return;
    }
    const bool low_ports =
        std::any_of(options_.addresses.begin(), options_.addresses.end(), [](const std::string& text) {
          const auto address = expose::parse_listen_address(text);
          return address && address->address.port() != 0 && address->address.port() < IPPORT_RESERVED;
        });
    if (const auto done = drop_privileges(options_.paths.procfs, low_ports); !done) {
      log_->warn("{}", done.error().message);
    }
  }

  ServeOptions options_;
  std::shared_ptr<spdlog::logger> log_;
  ReportFormat report_format_;
  decode::Environment environment_;
  expose::OwnMetrics own_;
  expose::Scrapers scrapers_;  ///< outlives services: for whom a series is new does not change by a reload
  const expose::SeriesTimes times_;
  std::mutex pages_;  ///< held while a page's series are read and written
  std::mutex loading_;
  bool dropped_ = false;  ///< by `loading_`
  mutable std::mutex mutex_;
  std::shared_ptr<Service> service_;
  std::string reload_error_;  ///< by `mutex_`; "" after a good load
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

std::vector<expose::Route> routes_of(const ServeOptions& options, const std::shared_ptr<Exporter>& exporter) {
  std::vector<expose::Route> routes;
  routes.push_back(
      {options.telemetry_path,
       {"GET"},
       [exporter](const expose::Request& request, expose::Response& response) { exporter->scrape(request, response); },
       true});
  if (options.telemetry_path != "/") {
    const auto history = std::make_shared<expose::RateHistory>();
    history->sample(exporter->status(), std::chrono::steady_clock::now());
    routes.push_back({"/",
                      {"GET"},
                      expose::landing_page_handler([exporter] { return exporter->page(); },
                                                   [exporter] { return exporter->status(); }, history),
                      false});
  }
  expose::Admin admin;
  admin.ready = [] { return true; };
  admin.lifecycle = options.lifecycle;
  admin.reload = [exporter]() -> Result<void> {
    const Exporter::LoadResult result = exporter->load();
    if (result.exit_code == kOk) {
      return {};
    }
    std::string lines;
    for (const Error& error : config::by_place(result.errors)) {
      lines += "\n" + config::render_line(error);
    }
    return fail("the previous configuration stays in use" + lines);
  };
  for (expose::Route& route : expose::admin_routes(admin)) {
    routes.push_back(std::move(route));
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

/// Each connection is a descriptor, each program and map too: the soft limit of 1024 is for programs that use select().
void raise_descriptor_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

expose::ServerOptions server_options(const ServeOptions& options, const std::shared_ptr<spdlog::logger>& log) {
  expose::ServerOptions server;
  server.addresses = options.addresses;
  server.web_config_file = options.web_config;
  server.max_requests = options.max_requests;
  server.max_connections = options.max_connections;
  server.log = log;
  return server;
}

/// Serves until a signal ends it.
int serve_until(ServiceSignals& signals, const ServeOptions& options, const std::shared_ptr<spdlog::logger>& log,
                const std::shared_ptr<DroppedLines>& lost, std::vector<UniqueFd> reserved) {
  const auto exporter = std::make_shared<Exporter>(options, log);
  const expose::ServerOptions settings = server_options(options, log);
  exporter->add_own_metrics(
      [http = settings.statistics, lost] { return expose::server_families(*http, lost->load()); });
  if (const int code = exporter->load().exit_code; code != kOk) {
    return code;
  }
  auto server = expose::HttpServer::start(settings, routes_of(options, exporter));
  if (!server) {
    report(server.error(), report_format(options.log));
    return kFailure;
  }
  reserved.clear();
  for (const expose::BoundAddress& address : (*server)->addresses()) {
    log->info("listening on {}://{}{}", (*server)->uses_tls() ? "https" : "http", address.text, options.telemetry_path);
  }
  for (;;) {
    const auto event = signals.wait();
    if (event != ServiceSignals::Event::Reload) {
      log->info("stopping on {}", event == ServiceSignals::Event::Interrupt ? "SIGINT" : "SIGTERM");
      break;
    }
    log->info("reloading the configuration");
    exporter->load();
  }
  (*server)->stop();
  return kOk;
}

/// Binds the addresses before anything is attached, so that one in use is told first. Held until the server has bound them
/// itself.
int reserve_addresses(const ServeOptions& options, std::vector<UniqueFd>& reserved) {
  for (const std::string& text : options.addresses) {
    const auto address = expose::parse_listen_address(text);
    if (!address) {
      report(address.error(), report_format(options.log));
      return kUsage;
    }
    auto socket = expose::reserve(*address);
    if (!socket) {
      report(socket.error(), report_format(options.log));
      return kFailure;
    }
    reserved.push_back(std::move(*socket));
  }
  return kOk;
}

int serve(const ServeOptions& options) {
  spare_memory();
  raise_descriptor_limit();
  const auto lost = std::make_shared<DroppedLines>(0);
  auto log = make_logger(options.log, lost);
  if (!log) {
    report(log.error());
    return kUsage;
  }
  std::vector<UniqueFd> reserved;
  if (const int code = reserve_addresses(options, reserved); code != kOk) {
    return code;
  }
  const auto signals = ServiceSignals::start();
  const auto pump = signals ? StderrPump::start() : Result<std::unique_ptr<StderrPump>>(nullptr);
  if (!signals || !pump) {
    report(signals ? pump.error() : signals.error(), report_format(options.log));
    return kFailure;
  }
  return serve_until(**signals, options, *log, lost, std::move(reserved));
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
        app.add_option("--web.telemetry-path", options->telemetry_path, "Path of the metrics")
            ->capture_default_str()
            ->check([](const std::string& path) {
              return path.starts_with("/") ? std::string() : std::string("the path begins with /");
            });
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
        add_path_options(app, options->paths);
        app.add_option("--log.level", options->log.level, "debug, info, warn or error")->capture_default_str();
        app.add_option("--log.format", options->log.format, "logfmt or json")->capture_default_str();
        app.callback([options, &run] { run = [options] { return serve(*options); }; });
      }};
}

}  // namespace tpx::cli
