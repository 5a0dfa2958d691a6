#include "service/service.h"

#include <algorithm>
#include <ctime>
#include <tuple>
#include <utility>

#include "base/shortage.h"
#include "base/text.h"
#include "base/words.h"
#include "decode/containers.h"
#include "exposition/gzip_sink.h"
#include "exposition/negotiate.h"
#include "exposition/registry_text.h"
#include "service/configuration.h"
#include "service/deploy.h"

namespace tpx::service {

namespace {

class SocketSink : public exposition::ChunkSink {
 public:
  explicit SocketSink(http::Response& response) : response_(response) {}
  [[nodiscard]] bool write(std::string_view piece) override { return response_.write(piece); }

 private:
  http::Response& response_;
};

decode::Environment environment_of(const kernel::Paths& paths) {
  decode::Environment environment;
  environment.procfs = paths.procfs;
  environment.sysfs = paths.sysfs;
  environment.cgroupfs = paths.sysfs + "/fs/cgroup";
  return decode::with_shared(std::move(environment));
}

/// Whether any metric is served.
bool serves(const Deployment& deployment) {
  const loader::Loaded& loaded = deployment.loaded;
  return !loaded.metrics.empty() ||
         std::any_of(loaded.objects.begin(), loaded.objects.end(),
                     [](const loader::LoadedObject& object) { return !object.metrics.empty(); });
}

std::size_t count_programs(const loader::Loaded& loaded) {
  std::size_t programs = loaded.programs.size();
  for (const loader::LoadedObject& object : loaded.objects) {
    programs +=
        static_cast<std::size_t>(std::count_if(object.programs.begin(), object.programs.end(),
                                               [](const loader::ObjectProgram& program) { return !program.refused; }));
  }
  return programs;
}

std::size_t count_kept(const loader::Loaded& loaded) {
  return static_cast<std::size_t>(std::count_if(loaded.metrics.begin(), loaded.metrics.end(),
                                                [](const loader::LoadedMetric& metric) { return metric.kept; }));
}

/// The first metric that was refused for what another moment may have.
std::optional<Error> shortage_of(const Deployment& deployment) {
  for (const auto* list : {&deployment.rejected, &deployment.loaded.rejected}) {
    for (const plan::Rejected& metric : *list) {
      if (is_shortage(metric.error)) {
        return metric.error;
      }
    }
  }
  return deployment.loaded.shortage;
}

bool decode_cgroups(const Prepared& prepared) {
  const auto decodes = [](const auto& metric) { return decode::decodes_cgroups(metric.planned.plan); };
  const auto& [metrics, objects] = std::tie(prepared.plan.metrics, prepared.objects.objects);
  return std::any_of(metrics.begin(), metrics.end(),
                     [](const plan::PlannedMetric& metric) { return decode::decodes_cgroups(metric.plan); }) ||
         std::any_of(objects.begin(), objects.end(), [&](const OpenedObject& object) {
           return std::any_of(object.metrics.begin(), object.metrics.end(), decodes);
         });
}

/// The errors with their source lines, bounded.
std::string report_of(const LoadResult& result) {
  constexpr std::size_t kLongest = 16384;
  std::string report = config::render(config::by_place(result.errors), result.config);
  if (report.size() > kLongest) {
    report.resize(kLongest);
    report += "\n…";
  }
  return to_utf8(report);
}

LoadedConfiguration configuration_of(const config::Config& config) {
  LoadedConfiguration loaded;
  for (const config::Config::File& file : config.files) {
    loaded.files.push_back({file.path, file.text});
  }
  loaded.loaded_at = std::time(nullptr);
  return loaded;
}

}  // namespace

std::string summary(const Errors& errors) {
  if (errors.empty()) {
    return "";
  }
  constexpr std::size_t kLongest = 500;
  const std::string first = to_utf8(config::render_line(config::by_place(errors).front()).substr(0, kLongest));
  return errors.size() == 1 ? first : first + " (and " + counted(errors.size() - 1, "more error") + ")";
}

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      log_(options_.log),
      environment_(environment_of(options_.paths)),
      own_(this_build(), options_.paths.procfs),
      scrapers_(std::make_shared<Scrapers>(options_.series_start)) {
  if (!options_.exporter_metrics) {
    own_.leave_out_process();
  }
}

LoadResult Service::load() {
  const std::lock_guard one(loading_);
  LoadResult result;
  try {
    result = try_load();
  } catch (const std::exception& error) {
    // What the system has no more of may not end the service.
    result = {LoadResult::Outcome::Failed, {Error{std::string("the configuration can't be loaded: ") + error.what()}}};
  }
  std::string reason = summary(result.errors);
  own_.observe_reload(result.outcome == LoadResult::Outcome::Served, static_cast<double>(std::time(nullptr)), reason);
  std::string report = result.errors.empty() ? "" : report_of(result);
  const std::lock_guard lock(mutex_);
  load_error_ = std::move(reason);
  last_load_ = {std::time(nullptr), std::move(report)};
  return result;
}

void Service::scrape(const http::Request& request, http::Response& response) {
  const auto start = std::chrono::steady_clock::now();
  const std::string* accept = request.header("Accept");
  const std::string* encoding = request.header("Accept-Encoding");
  const exposition::Negotiated chosen = exposition::negotiate(accept ? *accept : "", encoding ? *encoding : "");
  http::Headers headers{{"Content-Type", std::string(chosen.content_type)}, {"Vary", "Accept, Accept-Encoding"}};
  if (chosen.gzip) {
    headers.emplace_back("Content-Encoding", "gzip");
  }
  response.begin(200, std::move(headers));
  if (!response.reserve()) {  // from here on no client makes another one wait
    return;
  }
  SocketSink socket(response);
  std::optional<exposition::GzipSink> gzip;
  if (chosen.gzip) {
    gzip.emplace(socket);
  }
  exposition::TextWriter writer(chosen.gzip ? static_cast<exposition::ChunkSink&>(*gzip) : socket, chosen.format);
  const auto client = scrape_client(request);
  std::shared_ptr<Deployed> deployed;
  Scrapers::Scrape scrape;
  bool all = false;
  {
    // One page after the other, over a reload too: the numbers of the scrapes say in which order series were shown.
    const std::lock_guard page(pages_);
    deployed = current();
    if (deployed->cgroups) {
      deployed->cgroups->learn();
    }
    scrape = scrapers_->begin(client, std::chrono::steady_clock::now());
    scrape.begun = start;
    all = deployed->metrics->scrape(writer, scrape.showing, start);
  }
  exposition::write_families(writer, own_.collect(status_of(*deployed, MetricService::Detail::Counts)));
  const bool complete = writer.finish() && (!gzip || gzip->finish());
  if (complete && all) {
    response.on_delivery([scrapers = scrapers_, scrape](bool received) {
      scrapers->end(scrape, received, std::chrono::steady_clock::now());
    });
  }
  if (complete) {
    own_.observe_scrape(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
}

ExporterStatus Service::status() {
  return status_of(*current(), MetricService::Detail::Totals);
}

ExporterStatus Service::counts() {
  return status_of(*current(), MetricService::Detail::Counts);
}

std::optional<MetricDetail> Service::detail(const std::string& name) {
  return current()->metrics->detail(name);
}

LoadedConfiguration Service::configuration() const {
  const auto deployed = current();
  return deployed ? deployed->configuration : LoadedConfiguration{};
}

LoadAttempt Service::last_load() const {
  const std::lock_guard lock(mutex_);
  return last_load_;
}

void Service::add_own_metrics(std::function<std::vector<prometheus::MetricFamily>()> source) {
  own_.add_source(std::move(source));
}

std::string Service::load_error() const {
  const std::lock_guard lock(mutex_);
  return load_error_;
}

ExporterStatus Service::status_of(Deployed& deployed, MetricService::Detail detail) const {
  auto found = deployed.metrics->status(detail);
  while (!found) {  // a reload has replaced it meanwhile
    found = current()->metrics->status(detail);
  }
  ExporterStatus status = std::move(*found);
  status.scrapers = scrapers_->known(std::chrono::steady_clock::now());
  return status;
}

std::shared_ptr<Service::Deployed> Service::current() const {
  const std::lock_guard lock(mutex_);
  return deployed_;
}

/// What the kernel can does not change while it runs, and a probe would fail where descriptors or memory are short: it is asked
/// once.
Result<kernel::Kernel> Service::open_kernel() {
  if (!kernel_) {
    auto kernel = kernel::running_kernel(options_.paths);
    if (kernel && kernel->tracefs.mounted_here()) {
      log_->warn("tracefs was not mounted; mounted it at {}", kernel->tracefs.root());
    }
    if (kernel && kernel->may_load) {
      auto btf = std::exchange(kernel->btf, std::nullopt);
      kernel_ = *kernel;
      has_btf_ = btf.has_value();
      kernel->btf = std::move(btf);
    }
    return kernel;
  }
  kernel::Kernel kernel = *kernel_;
  if (has_btf_) {
    auto btf = kernel::Btf::open(options_.paths.btf);
    if (!btf) {
      return fail(std::move(btf.error()));
    }
    kernel.btf = std::move(*btf);
  }
  return kernel;
}

LoadResult Service::try_load() {
  config::Loaded loaded = load_configuration(options_.files);
  auto kernel = open_kernel();
  if (!kernel) {
    Errors errors = errors_without_kernel(loaded);
    const auto outcome = errors.empty() ? LoadResult::Outcome::Failed : LoadResult::Outcome::Refused;
    errors.push_back(std::move(kernel.error()));
    return {outcome, std::move(errors), std::move(loaded.config)};
  }
  Prepared prepared = prepare(std::move(loaded), *kernel);
  if (Errors errors = refusal(prepared, options_.strict); !errors.empty()) {
    return {LoadResult::Outcome::Refused, std::move(errors), std::move(prepared.config)};
  }
  return serve(std::move(prepared), *kernel);
}

LoadResult Service::serve(Prepared prepared, const kernel::Kernel& kernel) {
  // Start the watch first: a cgroup created before it would be missed.
  auto cgroups = decode_cgroups(prepared) ? watch_cgroups(kernel) : nullptr;
  const auto running = current();
  LoadedConfiguration configuration = configuration_of(prepared.config);
  const Continuity continuity{true, attached(), options_.pins != nullptr};
  Deployment deployment = deploy(std::move(prepared), kernel, loader::Attach::Yes, continuity);
  if (const auto shortage = shortage_of(deployment); running && shortage) {
    return {LoadResult::Outcome::Failed, {*shortage}};
  }
  Errors refused = refused_by_kernel(deployment);
  Errors not_served = refused;
  for (const plan::Rejected& rejected : deployment.rejected) {
    not_served.push_back(Error(rejected.error).at(rejected.at));
  }
  for (const Error& error : not_served) {
    log_->warn("not served: {}", config::render_line(error));
  }
  if (options_.strict && !refused.empty()) {
    return {LoadResult::Outcome::Failed, std::move(refused)};
  }
  if (!serves(deployment) && !kernel.may_load) {
    auto missing = options_.missing_privileges ? options_.missing_privileges() : std::nullopt;
    return {LoadResult::Outcome::Failed, missing ? Errors{std::move(*missing)} : std::move(refused)};
  }
  // A start leaves the exporter's own metrics to tell of it; a reload leaves what ran before.
  if (!serves(deployment) && running && !not_served.empty()) {
    return {LoadResult::Outcome::Failed, std::move(not_served)};
  }
  log_notes(deployment);
  return start(std::move(deployment), std::move(cgroups), kernel, std::move(configuration));
}

/// What runs: of this process, or of the one before.
const loader::Loaded* Service::attached() {
  if (const auto running = current()) {
    return &running->metrics->loaded();
  }
  if (options_.pins && !std::exchange(restored_, true)) {
    restore();
  }
  return inherited_ ? &*inherited_ : nullptr;
}

/// What the exporter before this one counted, and whom it has shown what of it.
void Service::restore() {
  auto restored = options_.pins->restore();
  if (!restored) {
    log_->warn("all counts begin anew: {}", restored.error().message);
  } else if (*restored) {
    inherited_ = std::move(**restored);
  }
  const auto text = options_.pins->text();
  if (!text) {
    log_->warn("after the next start new series begin with their values: {}", text.error().message);
  }
  const bool known = inherited_ && text && scrapers_->restore((*text)->load());
  if (inherited_ && !known) {
    for (const loader::LoadedMetric& metric : inherited_->metrics) {
      // Numbers of scrapes that nobody knows any more.
      std::fill_n(metric.shown.data(), metric.shown.size(), std::byte{0});
    }
  }
  if (text) {
    scrapers_->save_with([text = *text](const std::string& state) { text->store(state); });
  }
}

void Service::save_pins(const loader::Loaded& loaded) {
  if (!options_.pins) {
    return;
  }
  report_pins(options_.pins->save(loaded));
  const std::string names = joined(loader::PinDirectory::left_out(loaded));
  if (!names.empty()) {
    log_->info("begin anew at the next start: {}", names);
  }
}

void Service::report_pins(const Result<void>& saved) {
  if (!saved) {
    log_->warn("counting will end with this process: {}", saved.error().message);
  }
}

void Service::log_notes(const Deployment& deployment) const {
  for (const loader::LoadedMetric& metric : deployment.loaded.metrics) {
    for (const std::string& note : metric.planned.notes) {
      log_->warn("{}: {}", metric.planned.plan.name, note);
    }
    log_warnings(metric.planned);
  }
  for (const loader::LoadedObject& object : deployment.loaded.objects) {
    for (const loader::LoadedObjectMetric& metric : object.metrics) {
      log_warnings(metric.plan.planned);
    }
  }
}

void Service::log_warnings(const plan::PlannedMetric& metric) const {
  for (const Error& warning : metric.warnings) {
    const SourceLocation at = warning.location.value_or(SourceLocation{});
    log_->warn("{}:{}:{}: {}{}{}", at.file, at.line, at.column, warning.message, warning.hint.empty() ? "" : "; ",
               warning.hint);
  }
}

std::unique_ptr<live::CgroupWatch> Service::watch_cgroups(const kernel::Kernel& kernel) {
  auto watch = live::CgroupWatch::start(decode::cgroup_index(environment_), kernel, planner_options());
  if (!watch) {
    log_->warn("cgroups deleted before the first scrape will be labelled \"unknown\": {}", watch.error().message);
    return nullptr;
  }
  return std::move(*watch);
}

LoadResult Service::start(Deployment deployment, std::unique_ptr<live::CgroupWatch> cgroups,
                          const kernel::Kernel& kernel, LoadedConfiguration configuration) {
  const std::size_t programs = count_programs(deployment.loaded);
  // Before the threads of the first deployment are made: each would keep what this one has.
  if (!std::exchange(started_, true) && options_.attached) {
    options_.attached();
  }
  auto metrics = MetricService::make(std::move(deployment.loaded), std::move(deployment.rejected), environment_,
                                     kernel.features, options_.times);
  if (!metrics) {
    return {LoadResult::Outcome::Refused, {metrics.error()}};
  }
  if ((*metrics)->served() == 0) {
    log_->error("this kernel can't serve any metric of the configuration; only the exporter's own metrics are served");
  }
  const std::size_t kept = count_kept((*metrics)->loaded());
  log_->info(
      "serving {} with {}{}", counted((*metrics)->served(), "metric"), counted(programs, "program"),
      kept == 0 ? "" : "; " + counted(kept, "metric") + (kept == 1 ? " keeps its counts" : " keep their counts"));
  auto next = std::make_shared<Deployed>(Deployed{std::move(cgroups), std::move(*metrics), std::move(configuration)});
  MetricService& service = *next->metrics;
  const auto previous = current();
  if (options_.pins && attached() != nullptr) {
    report_pins(options_.pins->prepare(service.loaded()));
  }
  {
    const std::lock_guard page(pages_);
    const auto begun = service.begin(previous ? previous->metrics.get() : nullptr, attached(), [&] {
      const std::lock_guard lock(mutex_);
      deployed_.swap(next);
    });
    if (!begun) {
      if (previous) {
        save_pins(previous->metrics->loaded());
      }
      return {LoadResult::Outcome::Failed, {begun.error()}};
    }
  }
  next.reset();  // detaches what ran before; scrapes don't wait for it
  inherited_.reset();
  save_pins(service.loaded());
  return {};
}

}  // namespace tpx::service
