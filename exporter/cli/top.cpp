#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <ranges>

#include "base/text.h"
#include "base/words.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/top_metric.h"
#include "cli/top_screen.h"
#include "cli/typed_expression.h"
#include "live/top_output.h"
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
  std::size_t rows = 0;  ///< 0: 20 of a table, all for programs
  std::string sort = "rate";
  std::string output = "text";
};

constexpr std::size_t kTableRows = 20;

/// The format of the tracepoint, or of one of those that a pattern matches.
Result<kernel::Format> first_match(const std::string& pattern, const kernel::Kernel& kernel) {
  const auto events = kernel.tracefs.match(pattern);
  return events ? kernel.tracefs.format(events->front()) : fail(events.error());
}

live::TopSort sort_of(const std::string& name) {
  return name == "total"   ? live::TopSort::Total
         : name == "p99"   ? live::TopSort::Quantile
         : name == "label" ? live::TopSort::Label
                           : live::TopSort::Rate;
}

/// What is shown of an attached metric.
struct Shown {
  live::TopSource& source;
  live::TopModel& model;
  std::string title;
};

/// A plain table, with the distribution below where the user asked for a histogram.
std::string text_of(const Options& options, const Shown& shown) {
  const live::TopModel& model = shown.model;
  const bool utf8 = use_locale();
  const std::string& name = shown.source.metric().plan.name;
  const live::TopTable table{shown.source.label_names(), model.has_quantiles(), utf8, 0, live::unit_of(name)};
  const live::Unit counted = model.has_quantiles() ? live::Unit::None : table.unit;
  const std::vector<live::TopRow> rows =
      model.rows(sort_of(options.sort), "", options.rows == 0 ? kTableRows : options.rows);
  std::string text = shown.title + ": " + live::shown_rate(model.rate(), counted, utf8) + "/s, " +
                     live::shown_number(model.total(), counted, utf8) + " in " + std::to_string(model.size()) +
                     " series\n" + table.heading(rows) + "\n";
  std::vector<std::string> lines = table.lines(rows);
  if (options.request.histogram && model.has_quantiles()) {
    const std::vector<std::string> bars = table.bars(model.distribution(""), model.layout().exposed_bounds);
    lines.insert(lines.end(), bars.begin(), bars.end());
  }
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

std::string sample_text(const Options& options, const Shown& shown) {
  if (options.output == "text") {
    return text_of(options, shown);
  }
  const schema::MetricSchema& metric = shown.source.metric().plan;
  const live::TopSubject subject{metric.name, metric.help.empty() ? "Events of " + shown.title + "." : metric.help,
                                 shown.source.label_names()};
  const std::vector<live::TopRow> rows =
      shown.model.rows(sort_of(options.sort), "", options.rows == 0 ? shown.model.size() : options.rows);
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return options.output == "json" ? live::top_json(subject, shown.model, rows, now)
                                  : live::top_prometheus(subject, shown.model, rows);
}

/// A sample an interval, for pipes and files.
int print_batches(const Options& options, const Shown& shown, const StopSignal& stop) {
  Output output(stop);
  auto next = Clock::now();
  for (std::uint64_t done = 0; options.count == 0 || done < options.count; ++done) {
    next += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
    while (Clock::now() < next) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count();
      if (stop.wait(static_cast<int>(left) + 1, STDOUT_FILENO) != StopSignal::Event::None) {
        return kOk;
      }
    }
    if (auto sampled = shown.source.sample(shown.model); !sampled) {
      report(sampled.error());
      return kFailure;
    }
    output.buffer() += (done == 0 || options.output == "json" ? "" : "\n") + sample_text(options, shown);
    if (output.flush() != Output::State::Open) {
      return kOk;
    }
  }
  return kOk;
}

/// The fields that the expressions of the options may name. What the kernel lacks is reported when the metric is planned.
KnownFields known_fields(const TopRequest& request, const kernel::Kernel& kernel) {
  const auto fields = [&](const std::string& tracepoint) {
    const auto format = first_match(tracepoint, kernel);
    return format ? format->field_names() : std::vector<std::string>();
  };
  return request.from.empty() ? KnownFields{fields(request.tracepoint), {}}
                              : KnownFields{fields(request.to), fields(request.from)};
}

std::string title_of(const plan::PlannedMetric& metric, const TopRequest& request) {
  std::string title = request.metric.empty() ? "" : metric.plan.name + " ";
  title += joined(metric.tracepoints | std::views::take(2));
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

int show(const Options& options, const Shown& shown, const std::string& notes, const StopSignal& stop) {
  const bool batch =
      options.batch || options.output != "text" || isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0;
  std::fprintf(stderr, "%s%s", batch ? ("Attached: " + shown.title + "\n").c_str() : "", notes.c_str());
  return batch ? print_batches(options, shown, stop)
               : show_top(shown.source, shown.model, shown.title, options.interval, options.count, stop);
}

int run(const Options& options) {
  if (const auto usable = check_request(options.request); !usable) {
    report(usable.error());
    return kUsage;
  }
  auto command = prepare_to_attach(options.paths);
  if (!command) {
    report(command.error());
    return kFailure;
  }
  const auto& [stop, kernel] = *command;
  TypedOptions typed(known_fields(options.request, kernel));
  auto config = top_configuration(options.request, typed);
  if (!config) {
    typed.report(config.error());
    return kUsage;
  }
  service::Prepared prepared = service::prepare({*config, {}}, kernel);
  if (const Errors errors = service::refusal(prepared, true); !errors.empty()) {
    std::for_each(errors.begin(), errors.end(), [&](const Error& error) { typed.report(error); });
    return kUsage;
  }
  const std::string notes = notes_of(prepared, kernel);
  service::Deployment attached = service::deploy(std::move(prepared), kernel);
  if (attached.loaded.metrics.empty()) {
    const Errors refused = service::refused_by_kernel(attached);
    std::for_each(refused.begin(), refused.end(), [](const Error& error) { report(error); });
    return kFailure;
  }
  auto source = live::TopSource::make(std::move(attached.loaded), decoder_environment(options.paths));
  if (!source) {
    report(source.error());
    return kFailure;
  }
  const plan::PlannedMetric& metric = (*source)->metric();
  live::TopModel model(metric.plan.value, metric.plan.scale);
  return show(options, {**source, model, title_of(metric, options.request)}, notes, stop);
}

void add_options(CLI::App& app, Options& options) {
  TopRequest& request = options.request;
  app.add_option("tracepoint", request.tracepoint, "Count the events of this tracepoint")->type_name("CATEGORY/NAME");
  app.add_option("--by", request.by,
                 "A label: a field, an expression, or NAME=EXPRESSION; repeatable (default: comm and pid)")
      ->type_name("EXPRESSION")
      ->allow_extra_args(false);
  app.add_option("--value", request.value, "What each event adds, or what --histogram observes")
      ->type_name("EXPRESSION");
  app.add_option("--filter", request.filter, "Only events for which this is true")->type_name("EXPRESSION");
  app.add_flag("--histogram", request.histogram, "Show percentiles of --value, and in plain tables its distribution");
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
  app.add_option("-n,--rows", options.rows, "Rows of a plain table (default: 20), or of other output (default: all)")
      ->check(CLI::PositiveNumber);
  app.add_option("--output", options.output,
                 "Of plain tables: text, json (an object a line) or prom (Prometheus' text)")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json", "prom"}));
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
                "Example:\n  tracepoint_exporter top sched/sched_switch --by prev_comm --by prev_pid\n"
                "  tracepoint_exporter top --from raw_syscalls/sys_enter --to raw_syscalls/sys_exit "
                "--by 'syscall(id)'");
            app.callback([options, &chosen] { chosen = [options] { return run(*options); }; });
          }};
}

}  // namespace tpx::cli
