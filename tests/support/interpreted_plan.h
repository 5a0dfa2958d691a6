#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "assembler/program.h"
#include "plan/program_plan.h"
#include "support/interpreter.h"
#include "support/random_event.h"

namespace tpx::test {

/// A plan's programs, generated and run by the interpreter on events of the test's own making, with the maps that the loader
/// would make. No root. Not thread-safe.
class InterpretedPlan {
 public:
  /// Generates every program; the error of the first that can't be.
  [[nodiscard]] static Result<std::unique_ptr<InterpretedPlan>> compile(plan::Plan plan, const kernel::Kernel& kernel);

  /// Runs the programs that are attached to the event's tracepoint. Fails unless each returns what its attach type must.
  [[nodiscard]] Result<void> happen(Event& event);

  /// The rows of a metric: the words of its value by key, summed over the CPUs (a gauge's are set, not summed).
  [[nodiscard]] std::map<Bytes, std::vector<std::uint64_t>> rows(std::size_t metric);
  /// The words of the series `other`.
  [[nodiscard]] std::vector<std::uint64_t> other(std::size_t metric);
  [[nodiscard]] std::uint64_t lost(std::size_t metric, schema::LostReason reason);

  /// For a test that has a helper answer otherwise.
  [[nodiscard]] TestKernel& kernel() { return kernel_; }
  [[nodiscard]] const plan::Plan& plan() const { return plan_; }
  [[nodiscard]] const std::vector<assembler::Program>& programs() const { return programs_; }

 private:
  InterpretedPlan(plan::Plan plan, const kernel::Kernel& kernel);
  void add_maps(const plan::PlannedMetric& metric);
  [[nodiscard]] std::uint64_t word(std::size_t metric, std::uint64_t offset);
  [[nodiscard]] std::vector<std::uint64_t> row(std::size_t metric, std::uint64_t number);

  plan::Plan plan_;
  std::vector<assembler::Program> programs_;
  TestKernel kernel_;
};

}  // namespace tpx::test
