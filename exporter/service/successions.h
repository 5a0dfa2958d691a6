#pragma once

#include <cstddef>
#include <vector>

#include "loader/loader.h"
#include "plan/program_plan.h"

namespace tpx::service {

/// Which program of a new deployment comes into the slot of which program that runs. An attach point may have several
/// programs, whose slots are filled one after the other: a metric that is kept stays in the slot where it is, as in another
/// one an event in between would be counted twice or never. Refers to the deployment that runs, which must outlive this.
class Successions {
 public:
  /// The programs of a plan, with the metrics of each attach point so divided among them. `kept` has for each metric the one
  /// that it continues, or null.
  [[nodiscard]] std::vector<plan::ProgramPlan> arrange(std::vector<plan::ProgramPlan> programs,
                                                       const std::vector<plan::PlannedMetric>& metrics,
                                                       const std::vector<const loader::LoadedMetric*>& kept,
                                                       const loader::Loaded& running);

  /// The program in whose slot the metric is counted from now on; null: in none that there is.
  [[nodiscard]] const loader::ServingProgram* before(const plan::AttachPoint& point, std::size_t metric) const;

  /// The metric goes into a slot of its own.
  void leave(const plan::AttachPoint& point, std::size_t metric);

 private:
  struct Succession {
    const loader::ServingProgram* running;
    std::vector<std::size_t> metrics;
  };
  std::vector<Succession> all_;
};

}  // namespace tpx::service
