#include "plan/program_parts.h"

#include <algorithm>
#include <unordered_map>

namespace tpx::plan {

namespace {

/// A region, and what holds the rows and starts where the region does not.
std::size_t maps_of(const PlannedMetric& metric) {
  return 1 + (metric.plan.store.kind == schema::StoreKind::PerCpuHash ? 1 : 0) + (metric.pair ? 1 : 0);
}

ProgramPlan empty_copy(const ProgramPlan& program) {
  return {program.point, program.name, {}, program.task_argument};
}

}  // namespace

std::vector<std::size_t> metrics_of(const ProgramPlan& program) {
  std::vector<std::size_t> metrics;
  std::unordered_map<std::size_t, bool> known;
  for (const Unit& unit : program.units) {
    if (known.emplace(unit.metric, true).second) {
      metrics.push_back(unit.metric);
    }
  }
  return metrics;
}

std::vector<ProgramPlan> split_by_maps(ProgramPlan program, const std::vector<PlannedMetric>& metrics,
                                       const std::vector<std::vector<std::size_t>>& fixed) {
  std::unordered_map<std::size_t, std::size_t> part_of;
  std::vector<std::size_t> maps(std::max<std::size_t>(fixed.size(), 1));  // of each part
  for (std::size_t part = 0; part < fixed.size(); ++part) {
    for (const std::size_t metric : fixed[part]) {
      maps[part] += maps_of(metrics[metric]);
      part_of[metric] = part;
    }
  }
  std::size_t part = 0;
  for (const std::size_t metric : metrics_of(program)) {
    if (part_of.contains(metric)) {
      continue;
    }
    while (maps[part] + maps_of(metrics[metric]) > kMapsPerProgram) {
      if (++part == maps.size()) {
        maps.push_back(0);
      }
    }
    maps[part] += maps_of(metrics[metric]);
    part_of[metric] = part;
  }
  std::vector<ProgramPlan> parts(maps.size(), empty_copy(program));
  for (Unit& unit : program.units) {
    parts[part_of[unit.metric]].units.push_back(std::move(unit));
  }
  return parts;
}

std::pair<ProgramPlan, ProgramPlan> halve(const ProgramPlan& program) {
  std::vector<std::size_t> first = metrics_of(program);
  first.resize(first.size() / 2);
  std::sort(first.begin(), first.end());
  auto halves = std::pair(empty_copy(program), empty_copy(program));
  for (const Unit& unit : program.units) {
    const bool in_first = std::binary_search(first.begin(), first.end(), unit.metric);
    (in_first ? halves.first : halves.second).units.push_back(unit);
  }
  return halves;
}

}  // namespace tpx::plan
