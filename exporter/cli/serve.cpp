#include <malloc.h>
#include <netinet/in.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

#include "cli/command.h"
#include "cli/log.h"
#include "cli/objects.h"
#include "cli/options.h"
#include "cli/privileges.h"
#include "cli/report.h"
#include "cli/session.h"
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
#include "live/cgroup_watch.h"

namespace tpx::cli {

namespace {

struct ServeOptions {
  std::vector<std::string> files;
  bool strict = false;
  std::vector<std::string> addresses{":19435"};
  std::string telemetry_path = "/metrics";
  std::string web_config;
  bool lifecycle = false;
  kernel::Paths paths;
  LogOptions log;
};

/// What Ctrl-C, kill and SIGHUP ask for; blocked in all threads and taken one by one.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
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
        environment_(environment_of(options_.paths)),
        own_(expose::this_build(), options_.paths.procfs) {}

  /// Loads the configuration and attaches; what ran before goes on when that fails. The exit code of a failure. Loads come
  /// one after another, so that what runs is what the files said last.
  int load() {
    const std::lock_guard one(loading_);
    const int code = try_load();
    own_.observe_reload(code == kOk, static_cast<double>(std::time(nullptr)));
    reload_successful_ = code == kOk;
    return code;
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
    const auto service = current();
    if (service->cgroups) {
      service->cgroups->learn();
    }
    service->metrics->scrape(writer);
    expose::write_families(writer, own_.collect(service->metrics->status(expose::MetricService::Detail::Counts)));
    const bool complete = writer.finish() && (!gzip || gzip->finish());
    if (complete) {
      own_.observe_scrape(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }

  [[nodiscard]] expose::ExporterStatus status() {
    return current()->metrics->status(expose::MetricService::Detail::Totals);
  }

  [[nodiscard]] expose::PageInfo page() const {
    expose::PageInfo info;
    info.version = expose::this_build().version;
    std::array<char, 256> host{};
    info.hostname = gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
    utsname system{};
    info.kernel = uname(&system) == 0 ? system.release : "";
    info.metrics_path = options_.telemetry_path;
    info.config = options_.files.empty() ? "built in" : options_.files.front();
    info.reload_successful = reload_successful_;
    info.up = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    return info;
  }

 private:
  /// What one configuration set up; replaced as a whole.
  struct Service {
    std::unique_ptr<live::CgroupWatch> cgroups;  ///< null where no label needs it, or the kernel can't
    std::unique_ptr<expose::MetricService> metrics;
  };

  [[nodiscard]] std::shared_ptr<Service> current() const {
    const std::lock_guard lock(mutex_);
    return service_;
  }

  int try_load() {
    config::Loaded loaded = load_configuration(options_.files);
    if (!loaded.errors.empty()) {
      report(loaded.errors, loaded.config);
      return kUsage;
    }
    auto kernel = kernel::running_kernel(options_.paths);
    if (!kernel) {
      report(kernel.error());
      return kFailure;
    }
    return serve_configuration(loaded.config, *kernel);
  }

  int serve_configuration(const config::Config& config, const kernel::Kernel& kernel) {
    plan::Plan plan = plan::make_plan(config, kernel, planner_options());
    const PlannedObjects objects = plan_objects(config, kernel, planner_options());
    Errors wrong;
    for (const plan::Rejected& rejected : objects.rejected) {
      wrong.push_back(rejected.error);
    }
    for (const plan::Rejected& rejected : plan.rejected) {
      if (!rejected.kernel_dependent || options_.strict || (plan.metrics.empty() && !has_objects(config))) {
        wrong.push_back(rejected.error);
      }
    }
    if (!wrong.empty()) {
      report(wrong, config);
      return kUsage;
    }
    // First, so that no group that the programs see is made before it.
    auto cgroups = decode_cgroups(plan, objects) ? watch_cgroups(kernel) : nullptr;
    Attached attached = attach(config, kernel, std::move(plan));
    for (const auto* list : {&attached.rejected, &attached.loaded.rejected}) {
      for (const plan::Rejected& rejected : *list) {
        log_->warn("not served: {}{}{}", rejected.error.message, rejected.error.hint.empty() ? "" : "; ",
                   rejected.error.hint);
      }
    }
    warn_of_refused(attached.loaded.objects);
    const bool served = std::any_of(attached.loaded.objects.begin(), attached.loaded.objects.end(),
                                    [](const loader::LoadedObject& object) { return !object.metrics.empty(); });
    const bool none = attached.loaded.metrics.empty() && !served && !attached.loaded.rejected.empty();
    if (none || (options_.strict && !attached.loaded.rejected.empty())) {
      report(attached.loaded.rejected.front().error);
      return kFailure;
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

  static bool decode_cgroups(const plan::Plan& plan, const PlannedObjects& objects) {
    const auto decodes = [](const auto& metric) { return decode::decodes_cgroups(metric.planned.plan); };
    return std::any_of(plan.metrics.begin(), plan.metrics.end(),
                       [](const plan::PlannedMetric& metric) { return decode::decodes_cgroups(metric.plan); }) ||
           std::any_of(objects.objects.begin(), objects.objects.end(), [&](const OpenedObject& object) {
             return std::any_of(object.metrics.begin(), object.metrics.end(), decodes);
           });
  }

  std::unique_ptr<live::CgroupWatch> watch_cgroups(const kernel::Kernel& kernel) {
    auto watch = live::CgroupWatch::start(decode::cgroup_index(environment_), kernel, planner_options());
    if (!watch) {
      log_->warn("groups that are gone before they are asked for stay \"unknown\": {}", watch.error().message);
      return nullptr;
    }
    return std::move(*watch);
  }

  static bool has_objects(const config::Config& config) {
    return std::any_of(config.files.begin(), config.files.end(),
                       [](const config::Config::File& file) { return !file.objects.empty(); });
  }

  void warn_of_refused(const std::vector<loader::LoadedObject>& objects) {
    for (const loader::LoadedObject& object : objects) {
      for (const loader::ObjectProgram& program : object.programs) {
        if (program.refused) {
          log_->warn("not run: {}{}{}", program.refused->message, program.refused->hint.empty() ? "" : "; ",
                     program.refused->hint);
        }
      }
    }
  }

  int start_service(Attached attached, std::unique_ptr<live::CgroupWatch> cgroups, const kernel::Kernel& kernel) {
    std::size_t programs = attached.loaded.programs.size();
    for (const loader::LoadedObject& object : attached.loaded.objects) {
      programs += static_cast<std::size_t>(
          std::count_if(object.programs.begin(), object.programs.end(),
                        [](const loader::ObjectProgram& program) { return !program.refused; }));
    }
    drop_once();
    auto service = expose::MetricService::make(std::move(attached.loaded), std::move(attached.rejected), environment_,
                                               kernel.features);
    if (!service) {
      report(service.error());
      return kUsage;
    }
    log_->info("serving {} metrics with {} programs", (*service)->served(), programs);
    auto next = std::make_shared<Service>(Service{std::move(cgroups), std::move(*service)});
    {
      const std::lock_guard lock(mutex_);
      service_.swap(next);
    }
    next.reset();  // detaches what ran before; scrapes don't wait for it
    return kOk;
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
  decode::Environment environment_;
  expose::OwnMetrics own_;
  std::mutex loading_;
  bool dropped_ = false;  ///< by `loading_`
  mutable std::mutex mutex_;
  std::shared_ptr<Service> service_;
  std::atomic<bool> reload_successful_ = true;
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
    if (exporter->load() != kOk) {
      return fail("the configuration was not loaded; what ran before goes on", "see the exporter's log");
    }
    return {};
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
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kLarge);
#endif
}

int serve(const ServeOptions& options) {
  spare_memory();
  auto log = make_logger(options.log);
  if (!log) {
    report(log.error());
    return kUsage;
  }
  for (const std::string& address : options.addresses) {
    if (auto valid = expose::parse_listen_address(address); !valid) {
      report(valid.error());
      return kUsage;
    }
  }
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto exporter = std::make_shared<Exporter>(options, *log);
  if (const int code = exporter->load(); code != kOk) {
    return code;
  }
  expose::ServerOptions server_options;
  server_options.addresses = options.addresses;
  server_options.web_config_file = options.web_config;
  server_options.log = *log;
  auto server = expose::HttpServer::start(server_options, routes_of(options, exporter));
  if (!server) {
    report(server.error());
    return kFailure;
  }
  for (const expose::BoundAddress& address : (*server)->addresses()) {
    (*log)->info("listening on {}://{}{}", (*server)->uses_tls() ? "https" : "http", address.text,
                 options.telemetry_path);
  }
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) {
      (*log)->info("stopping on {}", signal == SIGINT ? "SIGINT" : "SIGTERM");
      break;
    }
    (*log)->info("reloading the configuration");
    exporter->load();
  }
  (*server)->stop();
  return kOk;
}

}  // namespace

Command serve_command() {
  return {"serve", "Serve metrics over HTTP (the default)", [](CLI::App& app, std::function<int()>& run) {
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
            app.add_option("--web.config.file", options->web_config, "TLS and basic authentication (exporter-toolkit)");
            app.add_flag("--web.enable-lifecycle", options->lifecycle, "Allow reloading by POST /-/reload");
            add_path_options(app, options->paths);
            app.add_option("--log.level", options->log.level, "debug, info, warn or error")->capture_default_str();
            app.add_option("--log.format", options->log.format, "logfmt or json")->capture_default_str();
            app.callback([options, &run] { run = [options] { return serve(*options); }; });
          }};
}

}  // namespace tpx::cli
