#include "plan/planner.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/byte_size.h"
#include "plan/exits.h"
#include "plan/metric_planner.h"
#include "plan/program_parts.h"

namespace tpx::plan {

namespace {

/// At most 15 characters of letters, digits and '_' (kernel: BPF_OBJ_NAME_LEN).
std::string program_name(const AttachPoint& point) {
  std::string name = "tpx_" + point.event;
  name.resize(std::min<std::size_t>(name.size(), 15));
  return name;
}

void place(std::vector<ProgramPlan>& programs, PlacedUnit placed) {
  auto program = std::find_if(programs.begin(), programs.end(),
                              [&](const ProgramPlan& other) { return other.point == placed.point; });
  if (program == programs.end()) {
    programs.push_back({placed.point, program_name(placed.point), {}, std::nullopt});
    program = programs.end() - 1;
  }
  program->units.push_back(std::move(placed.unit));
}

/// Ends come before starts: an event that ends one pair and starts another (sched_switch) must not end its own start.
void order_units(ProgramPlan& program) {
  std::stable_partition(program.units.begin(), program.units.end(),
                        [](const Unit& unit) { return !std::holds_alternative<PairStart>(unit.action); });
}

void split_programs(Plan& plan) {
  std::vector<ProgramPlan> parts;
  for (ProgramPlan& program : plan.programs) {
    std::vector<ProgramPlan> split = split_by_maps(std::move(program), plan.metrics);
    std::move(split.begin(), split.end(), std::back_inserter(parts));
  }
  plan.programs = std::move(parts);
}

/// Rows need atomic updates when two programs may be in them on one CPU at once, or one program in itself.
void decide_atomics(Plan& plan, const kernel::Kernel& kernel) {
  for (std::size_t i = 0; i < plan.metrics.size(); ++i) {
    std::size_t programs = 0;
    bool unguarded = false;
    for (const ProgramPlan& program : plan.programs) {
      const bool counts = std::any_of(program.units.begin(), program.units.end(), [&](const Unit& unit) {
        return unit.metric == i && !std::holds_alternative<PairStart>(unit.action);
      });
      programs += counts ? 1 : 0;
      unguarded =
          unguarded || (counts && program.point.type == AttachType::TpBtf && !kernel.features.tp_btf_recursion_guard);
    }
    schema::StorePlan& store = plan.metrics[i].plan.store;
    store.atomic = programs > 1 || unguarded || store.region.lane_rule == schema::LaneRule::Folded;
  }
}

/// The scheduler switches away from the task that runs: its argument saves the call of a helper.
void find_task_arguments(Plan& plan, const kernel::Kernel& kernel) {
  for (ProgramPlan& program : plan.programs) {
    if (program.point.type != AttachType::TpBtf || program.point.event != "sched_switch") {
      continue;
    }
    const auto arguments = kernel.btf->tracepoint(program.point.event);
    for (std::size_t i = 0; arguments && i < arguments->size(); ++i) {
      if ((*arguments)[i].name == "prev") {
        program.task_argument = static_cast<std::uint32_t>(i);
      }
    }
  }
}

void decide_exits(Plan& plan, const kernel::Kernel& kernel, const Options& options) {
  const auto retires = [](const PlannedMetric& metric) { return metric.plan.retire_field.has_value(); };
  if (std::none_of(plan.metrics.begin(), plan.metrics.end(), retires)) {
    return;
  }
  auto exits = plan_exits(kernel, options.force_attach);
  if (exits) {
    plan.exits = std::move(*exits);
    return;
  }
  for (PlannedMetric& metric : plan.metrics) {
    if (retires(metric)) {
      metric.notes.push_back("series do not end with their process: " + exits.error().message);
    }
  }
}

/// The default leaves three quarters to what the exporter keeps of each series and to its pages.
std::uint64_t max_bytes(const config::Config& config, const kernel::Kernel& kernel) {
  constexpr std::uint64_t kLeast = 64ULL << 20U;
  if (const auto given = config.max_bytes()) {
    return *given;
  }
  return kernel.memory_bytes == 0 ? std::numeric_limits<std::uint64_t>::max()
                                  : std::max(kLeast, kernel.memory_bytes / 4);
}

}  // namespace

std::optional<Error> take_bytes(Plan& plan, const std::string& name, std::uint64_t bytes) {
  if (bytes > plan.max_bytes || plan.map_bytes > plan.max_bytes - bytes) {
    return Error{"metric \"" + name + "\": its maps need " + byte_size_text(bytes) +
                     ", together with those before it " + byte_size_text(plan.map_bytes + bytes) + "; max_bytes is " +
                     byte_size_text(plan.max_bytes),
                 "lower max_series, or write `max_bytes: SIZE` at the top of the file"};
  }
  plan.map_bytes += bytes;
  return std::nullopt;
}

std::string_view name(AttachType type) {
  return type == AttachType::TpBtf ? "tp_btf" : "tracepoint";
}

std::string AttachPoint::text() const {
  return type == AttachType::TpBtf ? "tp_btf " + event : "tracepoint " + category + "/" + event;
}

Plan make_plan(const config::Config& config, const kernel::Kernel& kernel, const Options& options) {
  Plan plan;
  plan.max_bytes = max_bytes(config, kernel);
  for (const auto& file : config.files) {
    for (const config::Metric& metric : file.metrics) {
      const std::string name = config::full_name(file.name_space, metric.name.value);
      MetricOutcome outcome = plan_metric(metric, name, plan.metrics.size(), kernel, options);
      for (Error& error : outcome.errors) {
        plan.rejected.push_back({name, std::move(error), outcome.kernel_dependent, metric.name.at});
      }
      if (!outcome.metric) {
        continue;
      }
      if (auto problem = take_bytes(plan, name, outcome.metric->map_bytes())) {
        plan.rejected.push_back({name, std::move(*problem), true, metric.name.at});
        continue;
      }
      plan.metrics.push_back(std::move(*outcome.metric));
      for (PlacedUnit& unit : outcome.units) {
        place(plan.programs, std::move(unit));
      }
    }
    for (const config::Metric& metric : file.incomplete) {
      for (Error& error : plan_metric(metric, {}, 0, kernel, options).errors) {
        plan.rejected.push_back({metric.name.value, std::move(error), false, metric.at});
      }
    }
  }
  std::for_each(plan.programs.begin(), plan.programs.end(), order_units);
  decide_atomics(plan, kernel);
  find_task_arguments(plan, kernel);
  split_programs(plan);
  decide_exits(plan, kernel, options);
  return plan;
}

}  // namespace tpx::plan
