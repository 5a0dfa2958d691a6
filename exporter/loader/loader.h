#pragma once

#include <optional>
#include <string>
#include <vector>

#include "assembler/program.h"
#include "base/error.h"
#include "kernel/features.h"
#include "loader/exit_watch.h"
#include "loader/object.h"
#include "loader/program.h"
#include "loader/region.h"
#include "plan/program_plan.h"

namespace tpx::loader {

/// A metric's maps. Move-only; outlived by nothing that writes to them.
struct LoadedMetric {
  plan::PlannedMetric planned;
  Region region;
  UniqueFd hash;                      ///< PerCpuHash stores only
  Region pair;                        ///< pairs only
  std::vector<std::size_t> programs;  ///< that serve it, by index in Loaded::programs
};

struct ServingProgram {
  plan::AttachPoint point;
  std::string name;
  std::size_t instructions = 0;
  std::vector<std::size_t> metrics;  ///< by index in Loaded::metrics
  LoadedProgram program;
};

/// Everything that is attached. Programs are detached when it dies, before their maps go.
struct Loaded {
  Loaded() = default;
  Loaded(Loaded&&) noexcept = default;
  Loaded& operator=(Loaded&& other) noexcept;
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { detach(); }
  /// All programs at once: the kernel lets those of classic tracepoints wait some 70 ms each.
  void detach() noexcept;

  std::vector<LoadedMetric> metrics;
  std::vector<ServingProgram> programs;
  std::vector<LoadedObject> objects;
  std::vector<plan::Rejected> rejected;    ///< what the kernel refused, besides what the planner had rejected
  std::optional<ExitWatch> exits;          ///< when a metric retires series
  std::vector<std::string> refused_loads;  ///< full names of those whose program the verifier refused
};

/// Creates a metric's maps alone.
[[nodiscard]] Result<LoadedMetric> create_maps(const plan::PlannedMetric& planned);

/// The descriptor of a symbolic map name among these metrics; -1 when there is none.
[[nodiscard]] int map_descriptor(const std::vector<LoadedMetric>& metrics, const std::string& name);

}  // namespace tpx::loader
