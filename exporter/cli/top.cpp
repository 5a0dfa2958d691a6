#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "cli/access.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/top_metric.h"
#include "cli/top_screen.h"
#include "live/top_source.h"
#include "live/top_table.h"
#include "plan/cardinality.h"
#include "service/configuration.h"
#include "service/deploy.h"
#include "service/prepare.h"

namespace tpx::cli {

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  kernel::Paths paths;
  TopRequest request;
  bool batch = false;
  double interval = 1;
  std::uint64_t count = 0;
  std::size_t rows = 20;
  std::string sort = "rate";
};

live::TopSort sort_of(const std::string& name) {
  return name == "total"   ? live::TopSort::Total
         : name == "p99"   ? live::TopSort::Quantile
         : name == "label" ? live::TopSort::Label
                           : live::TopSort::Rate;
}

/// A plain table an interval, for pipes and files.
int print_batches(const Options& options, live::TopSource& source, live::TopModel& model, const std::string& title,
                  const StopSignal& stop) {
  Output output(stop);
  const live::TopTable table{source.label_names(), model.has_quantiles(), use_locale(), 0};
  auto next = Clock::now();
  for (std::uint64_t shown = 0; options.count == 0 || shown < options.count; ++shown) {
    next += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
    while (Clock::now() < next) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count();
      if (stop.wait(static_cast<int>(left) + 1, STDOUT_FILENO) != StopSignal::Event::None) {
        return kOk;
      }
    }
    if (auto sampled = source.sample(model); !sampled) {
      report(sampled.error());
      return kFailure;
    }
    const std::vector<live::TopRow> rows = model.rows(sort_of(options.sort), "", options.rows);
    std::string& text = output.buffer();
    text += shown == 0 ? "" : "\n";
    text += title + ": " + live::short_number(model.rate()) + "/s, " + live::short_number(model.total()) + " in " +
            std::to_string(model.size()) + " series\n" + table.heading(rows) + "\n";
    for (const std::string& line : table.lines(rows)) {
      text += line + "\n";
    }
    if (output.flush() != Output::State::Open) {
      return kOk;
    }
  }
  return kOk;
}

std::string title_of(const plan::PlannedMetric& metric, const TopRequest& request) {
  std::string title = request.metric.empty() ? "" : metric.plan.name + " ";
  for (std::size_t i = 0; i < metric.tracepoints.size() && i < 2; ++i) {
    title += (i == 0 ? "" : ", ") + metric.tracepoints[i];
  }
  return metric.tracepoints.size() > 2 ? title + ", …" : title;
}

/// What the labels of the metric show, where that may surprise; each is a line.
std::string notes_of(const service::Prepared& prepared, const kernel::Kernel& kernel) {
  std::string text;
  for (const plan::PlannedMetric& metric : prepared.plan.metrics) {
    std::vector<std::string> notes = metric.notes;
    auto estimate = plan::estimate_series(prepared.config, metric, kernel.possible_cpus, service::planner_options());
    std::erase_if(estimate.labels, [](const plan::LabelEstimate& label) { return label.task_ids; });
    const std::vector<std::string> warnings = plan::cardinality_warnings(estimate, metric);
    notes.insert(notes.end(), warnings.begin(), warnings.end());
    for (const std::string& note : notes) {
      text += "note: " + note + "\n";
    }
  }
  return text;
}

int run(const Options& options) {
  auto config = top_configuration(options.request);
  if (!config) {
    report(config.error());
    return kUsage;
  }
  if (const auto missing = missing_privileges(options.paths)) {
    report(*missing);
    return kFailure;
  }
  auto stop = StopSignal::make();
  auto kernel = stop ? open_kernel(options.paths) : Result<kernel::Kernel>(fail(stop.error()));
  if (!kernel) {
    report(kernel.error());
    return kFailure;
  }
  service::Prepared prepared = service::prepare({*config, {}}, *kernel);
  if (const Errors errors = service::refusal(prepared, true); !errors.empty()) {
    std::for_each(errors.begin(), errors.end(), [](const Error& error) { report(error); });
    return kUsage;
  }
  const std::string notes = notes_of(prepared, *kernel);
  service::Deployment attached = service::deploy(std::move(prepared), *kernel);
  if (attached.loaded.metrics.empty()) {
    const Errors refused = service::refused_by_kernel(attached);
    std::for_each(refused.begin(), refused.end(), [](const Error& error) { report(error); });
    return kFailure;
  }
  decode::Environment environment;
  environment.procfs = options.paths.procfs;
  environment.sysfs = options.paths.sysfs;
  auto source = live::TopSource::make(std::move(attached.loaded), decode::with_shared(environment));
  if (!source) {
    report(source.error());
    return kFailure;
  }
  const plan::PlannedMetric& metric = (*source)->metric();
  live::TopModel model(metric.plan.value, metric.plan.scale);
  const std::string title = title_of(metric, options.request);
  const bool batch = options.batch || isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0;
  std::fprintf(stderr, "%s%s", batch ? ("Attached: " + title + "\n").c_str() : "", notes.c_str());
  return batch ? print_batches(options, **source, model, title, *stop)
               : show_top(**source, model, title, options.interval, options.count, *stop);
}

void add_options(CLI::App& app, Options& options) {
  TopRequest& request = options.request;
  app.add_option("tracepoint", request.tracepoint, "Count the events of this tracepoint")->type_name("CATEGORY/NAME");
  app.add_option("--by", request.by, "A label: an expression, or NAME=EXPRESSION; repeatable (default: comm and pid)")
      ->type_name("EXPRESSION")
      ->allow_extra_args(false);
  app.add_option("--value", request.value, "What each event adds, or what --histogram observes")
      ->type_name("EXPRESSION");
  app.add_option("--filter", request.filter, "Only events for which this is true")->type_name("EXPRESSION");
  app.add_flag("--histogram", request.histogram, "Show percentiles of --value");
  app.add_option("--from", request.from, "Start of a latency pair; shows percentiles of seconds")
      ->type_name("CATEGORY/NAME");
  app.add_option("--to", request.to, "End of a latency pair")->type_name("CATEGORY/NAME");
  app.add_option("--key", request.key, "What joins start and end of a pair")->capture_default_str();
  app.add_option("--metric", request.metric, "A metric of the configuration")->type_name("NAME");
  app.add_option("--config.file", request.files, "Configuration of --metric (default: the built-in one)")
      ->type_name("FILE");
  app.add_flag("-b,--batch", options.batch, "Print plain tables (also when the output is no terminal)");
  app.add_option("-i,--interval", options.interval, "Seconds between tables")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
  app.add_option("-c,--count", options.count, "End after so many tables")->check(CLI::PositiveNumber);
  app.add_option("-n,--rows", options.rows, "Rows of a plain table")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--sort", options.sort, "Order of a plain table: rate, total, p99 or label")
      ->capture_default_str()
      ->check(CLI::IsMember({"rate", "total", "p99", "label"}));
  add_path_options(app, options.paths);
}

}  // namespace

Command top_command() {
  return {"top", "Show the busiest series of a tracepoint or metric, live",
          [](CLI::App& app, std::function<int()>& chosen) {
            auto options = std::make_shared<Options>();
            add_options(app, *options);
            app.footer(
                "Example:\n  tracepoint_exporter top sched/sched_switch --by args.prev_comm --by args.prev_pid\n"
                "  tracepoint_exporter top --from raw_syscalls/sys_enter --to raw_syscalls/sys_exit "
                "--by 'syscall(from.args.id)'");
            app.callback([options, &chosen] { chosen = [options] { return run(*options); }; });
          }};
}

}  // namespace tpx::cli
