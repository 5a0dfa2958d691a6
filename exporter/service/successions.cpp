#include "service/successions.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "plan/program_parts.h"

namespace tpx::service {

namespace {

bool contains(const std::vector<std::size_t>& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

std::vector<plan::ProgramPlan> Successions::arrange(std::vector<plan::ProgramPlan> programs,
                                                    const std::vector<plan::PlannedMetric>& metrics,
                                                    const std::vector<const loader::LoadedMetric*>& kept,
                                                    const loader::Loaded& running) {
  std::vector<plan::ProgramPlan> arranged;
  for (auto at = programs.begin(); at != programs.end();) {
    plan::ProgramPlan whole = std::move(*at);
    for (++at; at != programs.end() && at->point == whole.point; ++at) {
      std::move(at->units.begin(), at->units.end(), std::back_inserter(whole.units));
    }
    std::vector<const loader::ServingProgram*> here;
    std::vector<std::vector<std::size_t>> stay;
    for (std::size_t index = 0; index < running.programs.size(); ++index) {
      if (!(running.programs[index].point == whole.point)) {
        continue;
      }
      here.push_back(&running.programs[index]);
      stay.emplace_back();
      for (const std::size_t metric : plan::metrics_of(whole)) {
        if (kept[metric] != nullptr && contains(kept[metric]->programs, index)) {
          stay.back().push_back(metric);
        }
      }
    }
    std::vector<plan::ProgramPlan> parts = plan::split_by_maps(std::move(whole), metrics, stay);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (parts[part].units.empty()) {
        continue;
      }
      if (part < here.size()) {
        all_.push_back({here[part], plan::metrics_of(parts[part])});
      }
      arranged.push_back(std::move(parts[part]));
    }
  }
  return arranged;
}

const loader::ServingProgram* Successions::before(const plan::AttachPoint& point, std::size_t metric) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Succession& each) {
    return each.running->point == point && contains(each.metrics, metric);
  });
  return found == all_.end() ? nullptr : found->running;
}

void Successions::leave(const plan::AttachPoint& point, std::size_t metric) {
  for (Succession& each : all_) {
    if (each.running->point == point) {
      std::erase(each.metrics, metric);
    }
  }
}

}  // namespace tpx::service
