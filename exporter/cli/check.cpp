#include <cerrno>
#include <cstdio>

#include "assembler/program.h"
#include "cli/command.h"
#include "cli/machine.h"
#include "cli/objects.h"
#include "cli/options.h"
#include "cli/plan_summary.h"
#include "cli/report.h"
#include "cli/session.h"
#include "codegen/generate.h"

namespace tpx::cli {

namespace {

struct CheckOptions {
  std::vector<std::string> files;
  bool dump = false;
  bool verbose = false;
  kernel::Paths paths;
};

/// Compiled with maps of its own, never attached. Nothing when this process may not load programs.
class Verifier {
 public:
  explicit Verifier(const plan::Plan& plan) {
    for (const plan::PlannedMetric& metric : plan.metrics) {
      auto maps = loader::create_maps(metric);
      if (!maps) {
        unavailable_ = maps.error();
        return;
      }
      maps_.push_back(std::move(*maps));
    }
  }

  [[nodiscard]] const std::optional<Error>& unavailable() const { return unavailable_; }

  [[nodiscard]] Result<loader::Verdict> verify(const plan::ProgramPlan& program, const assembler::Program& code) const {
    return loader::verify(program.point, code,
                          [&](const std::string& name) { return loader::map_descriptor(maps_, name); });
  }

 private:
  std::vector<loader::LoadedMetric> maps_;
  std::optional<Error> unavailable_;
};

/// Compiles every program, and has the kernel verify it where this process may. False when one is refused.
bool check_programs(const plan::Plan& plan, const kernel::Kernel& kernel, const CheckOptions& options) {
  const Verifier verifier(plan);
  bool good = true;
  for (const plan::ProgramPlan& program : plan.programs) {
    auto code = codegen::generate(program, plan.metrics, kernel.features);
    if (!code) {
      report(code.error());
      good = false;
      continue;
    }
    std::string verdict = "not verified";
    if (!verifier.unavailable()) {
      const auto result = verifier.verify(program, *code);
      if (!result) {
        verdict = "not verified: " + result.error().message;
      } else {
        verdict = result->taken ? "verified" : "REFUSED";
        good = good && result->taken;
        if (options.verbose || !result->taken) {
          std::fputs(result->log.c_str(), stderr);
        }
      }
    }
    std::printf("program %s: %zu instructions, %s\n", program.point.text().c_str(), code->instructions().size(),
                verdict.c_str());
    if (options.dump) {
      std::fputs(code->disassemble().c_str(), stdout);
    }
  }
  if (verifier.unavailable()) {
    std::fprintf(stderr, "note: programs were compiled, not verified: %s\n", verifier.unavailable()->message.c_str());
  }
  return good;
}

/// What this machine offers; a failure when something is missing without which nothing can be served.
int check_machine(const CheckOptions& options) {
  bool complete = true;
  for (const Finding& finding : examine_machine(options.paths)) {
    const char* mark = finding.state == Finding::State::Good       ? "ok      "
                       : finding.state == Finding::State::Degraded ? "degraded"
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
  for (const plan::KeyField& field : metric.planned.plan.key.fields) {
    labels += (labels.empty() ? "" : ", ") + field.label;
  }
  std::printf("%s\n", metric.planned.plan.name.c_str());
  std::printf("  object  %s\n", path.c_str());
  std::printf("  map     %s, %s of at most %u\n", metric.rows.map.name.c_str(), metric.rows.map.kind.c_str(),
              metric.rows.map.max_entries);
  std::printf("  labels  %s\n", labels.empty() ? "none" : labels.c_str());
}

/// Shows the metrics of an object, and has the kernel verify its programs. False when one is refused.
bool check_object(OpenedObject object) {
  const std::string path = object.file.path();
  for (const plan::ObjectMetricPlan& metric : object.metrics) {
    print_object_metric(metric, path);
  }
  std::vector<plan::Rejected> rejected;
  const auto loaded =
      loader::load_object(std::move(object.file), std::move(object.metrics), rejected, loader::Attach::No);
  if (!loaded) {
    const bool unprivileged = loaded.error().os_error == EPERM;
    std::fprintf(stderr, "%s: %s\n", unprivileged ? "note: programs were not verified" : "error",
                 loaded.error().message.c_str());
    return unprivileged;
  }
  bool good = true;
  for (const loader::ObjectProgram& program : loaded->programs) {
    std::printf("program %s (%s): %s\n", program.name.c_str(), program.section.c_str(),
                program.refused ? "REFUSED" : "verified");
    if (program.refused) {
      good = false;
      std::fprintf(stderr, "%s\n", program.refused->message.c_str());
    }
  }
  return good;
}

int check(const CheckOptions& options) {
  if (options.files.empty()) {
    return check_machine(options);
  }
  config::Loaded loaded = load_configuration(options.files);
  auto kernel = kernel::running_kernel(options.paths);
  if (!kernel) {
    if (!loaded.errors.empty()) {
      report(loaded.errors, loaded.config);
    }
    report(kernel.error());
    return loaded.errors.empty() ? kFailure : kUsage;
  }
  const plan::Plan plan = plan::make_plan(loaded.config, *kernel, planner_options());
  Errors errors = std::move(loaded.errors);
  for (const plan::Rejected& rejected : plan.rejected) {
    errors.push_back(rejected.error);
  }
  Errors warnings;
  for (const plan::PlannedMetric& metric : plan.metrics) {
    std::fputs(plan_summary(metric).c_str(), stdout);
    warnings.insert(warnings.end(), metric.warnings.begin(), metric.warnings.end());
  }
  bool good = check_programs(plan, *kernel, options);
  PlannedObjects objects = plan_objects(loaded.config, *kernel, planner_options());
  for (const plan::Rejected& rejected : objects.rejected) {
    errors.push_back(rejected.error);
  }
  for (OpenedObject& object : objects.objects) {
    for (const plan::ObjectMetricPlan& metric : object.metrics) {
      warnings.insert(warnings.end(), metric.planned.warnings.begin(), metric.planned.warnings.end());
    }
    good = check_object(std::move(object)) && good;
  }
  std::fflush(stdout);
  report_warnings(warnings, loaded.config);
  if (!errors.empty()) {
    report(errors, loaded.config);
    std::fprintf(stderr, "%zu error%s\n", errors.size(), errors.size() == 1 ? "" : "s");
    return kUsage;
  }
  return good ? kOk : kFailure;
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
            add_path_options(app, options->paths);
            app.callback([options, &run] { run = [options] { return check(*options); }; });
          }};
}

}  // namespace tpx::cli
