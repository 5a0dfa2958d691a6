#include <algorithm>
#include <cstdio>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "assembler/program.h"
#include "base/byte_size.h"
#include "base/text.h"
#include "cli/access.h"
#include "cli/command.h"
#include "cli/machine.h"
#include "cli/options.h"
#include "cli/report.h"
#include "codegen/generate.h"
#include "plan/cardinality.h"
#include "plan/program_parts.h"
#include "service/configuration.h"
#include "service/deploy.h"
#include "service/plan_summary.h"
#include "service/prepare.h"

namespace tpx::cli {

namespace {

struct CheckOptions {
  std::vector<std::string> files;
  bool dump = false;
  bool verbose = false;
  unsigned cpus = 0;  ///< 0: not asked for
  kernel::Paths paths;
};

/// The verifier's log of every program, loaded with maps of its own.
void print_logs(const plan::Plan& plan, const kernel::Kernel& kernel) {
  std::vector<loader::LoadedMetric> maps;
  for (const plan::PlannedMetric& metric : plan.metrics) {
    if (auto created = loader::create_maps(metric)) {
      maps.push_back(std::move(*created));
    }
  }
  for (const plan::ProgramPlan& program : plan.programs) {
    const auto code = codegen::generate(program, plan.metrics, kernel.features);
    const auto verdict =
        code ? loader::verify(program.point, *code,
                              [&](const std::string& name) { return loader::map_descriptor(maps, name); })
             : Result<loader::Verdict>(fail(code.error()));
    std::fprintf(stderr, "program %s:\n%s", program.point.text().c_str(),
                 verdict ? verdict->log.c_str() : (verdict.error().message + "\n").c_str());
  }
}

/// Whether any metric of the program is counted at its attach point.
bool is_loaded(const plan::ProgramPlan& program, const plan::Plan& plan, const loader::Loaded& loaded) {
  std::set<std::string> names;
  for (const std::size_t metric : plan::metrics_of(program)) {
    names.insert(plan.metrics[metric].plan.name);
  }
  return std::any_of(loaded.programs.begin(), loaded.programs.end(), [&](const loader::ServingProgram& serving) {
    return serving.point == program.point &&
           std::any_of(serving.metrics.begin(), serving.metrics.end(),
                       [&](std::size_t metric) { return names.contains(loaded.metrics[metric].planned.plan.name); });
  });
}

/// One line for each program with what became of it; errors for what can't be compiled.
Errors print_programs(const plan::Plan& plan, const kernel::Kernel& kernel, const service::Deployment* attached,
                      bool dump) {
  Errors errors;
  for (const plan::ProgramPlan& program : plan.programs) {
    const auto code = codegen::generate(program, plan.metrics, kernel.features);
    const auto encoded =
        code ? code->encode([](const std::string&) { return 0; }) : Result<assembler::Encoded>(fail(code.error()));
    std::string verdict = "not verified";
    if (attached != nullptr) {
      verdict = is_loaded(program, plan, attached->loaded) ? "verified" : "REFUSED";
    } else if (!encoded) {
      errors.push_back(encoded.error());  // a load says it of each metric
    }
    std::printf("program %s: %zu instructions, %s\n", program.point.text().c_str(),
                code ? code->instructions().size() : 0, verdict.c_str());
    if (dump && code) {
      std::fputs(code->disassemble().c_str(), stdout);
    }
  }
  return errors;
}

void print_objects(const service::Deployment& attached) {
  for (const loader::LoadedObject& object : attached.loaded.objects) {
    for (const loader::ObjectProgram& program : object.programs) {
      std::printf("program %s (%s): %s\n", program.name.c_str(), program.section.c_str(),
                  program.refused ? "REFUSED" : "verified");
    }
  }
}

/// Loads all that serve would, the same way, and attaches nothing. What the kernel refused.
Errors verify(service::Prepared prepared, const kernel::Kernel& kernel, const CheckOptions& options) {
  plan::Options planner = service::planner_options();
  const config::Config config = prepared.config;
  const service::Deployment attached = service::deploy(std::move(prepared), kernel, loader::Attach::No);
  planner.probe_reads = attached.probe_reads;
  const plan::Plan plan = plan::make_plan(config, kernel, planner);  // as it was loaded
  static_cast<void>(print_programs(plan, kernel, &attached, options.dump));
  print_objects(attached);
  if (options.verbose) {
    std::fflush(stdout);
    print_logs(plan, kernel);
  }
  return service::refused_by_kernel(attached);
}

/// What this machine offers; a failure when something is missing without which nothing can be served.
int check_machine(const CheckOptions& options) {
  bool complete = true;
  for (const Finding& finding : examine_machine(options.paths)) {
    const char* mark = finding.state == Finding::State::Good       ? "ok      "
                       : finding.state == Finding::State::Degraded ? "degraded"
                       : finding.state == Finding::State::Unknown  ? "unknown "
                                                                   : "MISSING ";
    std::printf("%s  %-22s %s\n", mark, finding.what.c_str(), finding.detail.c_str());
    if (!finding.fix.empty()) {
      std::printf("          %-22s %s\n", "", finding.fix.c_str());
    }
    complete = complete && finding.state != Finding::State::Missing;
  }
  return complete ? kOk : kFailure;
}

void print_object_metric(const plan::ObjectMetricPlan& metric, const std::string& path) {
  std::string labels;
  for (const schema::KeyField& field : metric.planned.plan.key.fields) {
    labels += (labels.empty() ? "" : ", ") + field.label;
  }
  std::printf("%s\n", metric.planned.plan.name.c_str());
  std::printf("  object  %s\n", path.c_str());
  std::printf("  map     %s, %s of at most %u\n", metric.rows.map.name.c_str(), metric.rows.map.kind.c_str(),
              metric.rows.map.max_entries);
  std::printf("  labels  %s\n", labels.empty() ? "none" : labels.c_str());
}

/// The plan of the same configuration for a machine with so many CPUs, all online.
plan::Plan plan_with_cpus(const config::Config& config, kernel::Kernel kernel, unsigned cpus) {
  kernel.possible_cpus = cpus;
  kernel.online_cpus = cpus;
  kernel.memory_bytes = 0;
  return plan::make_plan(config, kernel, service::planner_options());
}

/// ` here, 12 MiB with 128 CPUs`, or nothing.
std::string bytes_elsewhere(const plan::Plan& elsewhere, const std::string& metric, unsigned cpus) {
  for (const plan::PlannedMetric& planned : elsewhere.metrics) {
    if (planned.plan.name == metric) {
      return " here, " + byte_size_text(planned.map_bytes()) + " with " + counted(cpus, "CPU");
    }
  }
  return "";
}

void print_total(const service::Prepared& prepared, const plan::Plan& elsewhere, unsigned cpus) {
  const plan::Plan& plan = prepared.plan;
  if (plan.metrics.empty() && prepared.objects.objects.empty()) {
    return;
  }
  const bool limited = plan.max_bytes != std::numeric_limits<std::uint64_t>::max();
  std::printf("memory of all maps: %s%s%s\n", byte_size_text(plan.map_bytes).c_str(),
              cpus == 0 ? ""
                        : (" here, " + byte_size_text(elsewhere.map_bytes) + " with " + counted(cpus, "CPU") +
                           " (without programs in C)")
                              .c_str(),
              limited ? ("; max_bytes is " + byte_size_text(plan.max_bytes)).c_str() : "");
}

void print_metrics(const service::Prepared& prepared, const kernel::Kernel& kernel, unsigned cpus) {
  const plan::Plan elsewhere = cpus == 0 ? plan::Plan{} : plan_with_cpus(prepared.config, kernel, cpus);
  for (const plan::PlannedMetric& metric : prepared.plan.metrics) {
    std::fputs(service::plan_summary(metric).c_str(), stdout);
    if (cpus != 0) {
      std::printf("  memory  %s%s\n", byte_size_text(metric.map_bytes()).c_str(),
                  bytes_elsewhere(elsewhere, metric.plan.name, cpus).c_str());
    }
    const auto estimate =
        plan::estimate_series(prepared.config, metric, kernel.possible_cpus, service::planner_options());
    std::printf("  series  %s\n", plan::to_text(estimate).c_str());
    for (const std::string& warning : plan::cardinality_warnings(estimate, metric)) {
      std::printf("  warning %s\n", warning.c_str());
    }
  }
  for (const service::OpenedObject& object : prepared.objects.objects) {
    for (const plan::ObjectMetricPlan& metric : object.metrics) {
      print_object_metric(metric, object.file.path());
    }
  }
  print_total(prepared, elsewhere, cpus);
}

/// What is right as configured and hardly meant.
Errors warnings_of(const service::Prepared& prepared) {
  Errors warnings;
  for (const plan::PlannedMetric& metric : prepared.plan.metrics) {
    warnings.insert(warnings.end(), metric.warnings.begin(), metric.warnings.end());
  }
  for (const service::OpenedObject& object : prepared.objects.objects) {
    for (const plan::ObjectMetricPlan& metric : object.metrics) {
      warnings.insert(warnings.end(), metric.planned.warnings.begin(), metric.planned.warnings.end());
    }
  }
  return warnings;
}

int finish(const Errors& errors, const config::Config& config, int code) {
  if (errors.empty()) {
    return kOk;
  }
  std::fflush(stdout);
  report(errors, config);
  std::fprintf(stderr, "%s\n", counted(errors.size(), "error").c_str());
  return code;
}

/// The exit code is what `serve --config.strict` would end with.
int check(const CheckOptions& options) {
  if (options.files.empty()) {
    return check_machine(options);
  }
  config::Loaded loaded = service::load_configuration(options.files);
  const auto kernel = open_kernel(options.paths);
  if (!kernel) {
    const Errors errors = service::errors_without_kernel(loaded);
    report(kernel.error());
    return errors.empty() ? kFailure : finish(errors, loaded.config, kUsage);
  }
  service::Prepared prepared = service::prepare(std::move(loaded), *kernel);
  const config::Config config = prepared.config;
  Errors errors = service::all_errors(prepared);
  const Errors warnings = warnings_of(prepared);
  const int code = errors.empty() ? kFailure : kUsage;
  print_metrics(prepared, *kernel, options.cpus);
  Errors refused;
  if (kernel->may_load) {
    refused = verify(std::move(prepared), *kernel, options);
  } else {
    refused = print_programs(prepared.plan, *kernel, nullptr, options.dump);
    std::fflush(stdout);
    const auto missing = missing_privileges(options.paths);
    std::fprintf(stderr, "note: programs were compiled, not verified: %s\n",
                 missing ? missing->message.c_str() : "this process may not load BPF programs");
  }
  std::fflush(stdout);
  report_warnings(warnings, config);
  errors.insert(errors.end(), std::make_move_iterator(refused.begin()), std::make_move_iterator(refused.end()));
  return finish(errors, config, code);
}

}  // namespace

Command check_command() {
  return {"check", "Validate configurations against this kernel, without attaching",
          [](CLI::App& app, std::function<int()>& run) {
            auto options = std::make_shared<CheckOptions>();
            app.footer("Example: tracepoint_exporter check --dump config.yaml");
            app.add_option(
                "FILE", options->files,
                "Configuration files or directories; without any: what this machine offers and what it lacks");
            app.add_flag("--dump", options->dump, "Show the commented disassembly of every program");
            app.add_flag("--verbose", options->verbose, "Show the verifier's log of every program");
            app.add_option("--cpus", options->cpus, "Say how much memory each metric needs with this number of CPUs")
                ->check(CLI::Range(1, 8192));
            add_path_options(app, options->paths);
            app.callback([options, &run] { run = [options] { return check(*options); }; });
          }};
}

}  // namespace tpx::cli
