#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assembler/program.h"
#include "base/error.h"
#include "kernel/features.h"
#include "loader/attach_slot.h"
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
  /// For each of `programs`: the recursion misses of its attach point before this metric began to count there.
  std::vector<std::uint64_t> misses_before = {};
  std::string identity = {};  ///< see service/identity.h; empty: its counts are not kept over a reload
  bool kept = false;          ///< its maps are those of the configuration before
  /// Of each row by its id the scrape that showed it first, u32, and behind them that of `other`: see
  /// decode::SeriesTable::remember_in(). Only where counts outlive the process.
  Region shown = {};
};

struct ServingProgram {
  plan::AttachPoint point;
  std::string name;
  std::size_t instructions = 0;
  std::vector<std::size_t> metrics;  ///< by index in Loaded::metrics
  LoadedProgram program;
  std::string code = {};                       ///< equal for equal instructions and maps of equal names
  std::shared_ptr<AttachSlot> slot = nullptr;  ///< null: the program is attached itself
  bool shared = false;                         ///< with the configuration before: it runs already
  bool replaces = false;                       ///< replace_programs() has to put it into the slot
  [[nodiscard]] Result<LoadedProgram::Statistics> statistics() const {
    return slot ? slot->statistics() : program.statistics();
  }
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
  std::shared_ptr<ExitWatch> exits;        ///< when a metric retires series
  std::optional<Error> shortage;           ///< why something was refused that could have been had at another moment
  std::vector<std::string> refused_loads;  ///< full names of those whose program the verifier refused
};

/// Puts the programs of `next` that replace others into their slots. On an error `previous` counts as before.
[[nodiscard]] Result<void> replace_programs(Loaded& next, const Loaded& previous);

/// The maps of a metric that has the same identity, for `planned`.
[[nodiscard]] Result<LoadedMetric> share_maps(const plan::PlannedMetric& planned, const LoadedMetric& metric);

/// Creates a metric's maps alone.
[[nodiscard]] Result<LoadedMetric> create_maps(const plan::PlannedMetric& planned);

/// Creates LoadedMetric::shown, for stores whose rows have ids that are never given anew.
[[nodiscard]] Result<void> create_shown(LoadedMetric& metric);

/// The descriptor of a symbolic map name among these metrics; -1 when there is none.
[[nodiscard]] int map_descriptor(const std::vector<LoadedMetric>& metrics, const std::string& name);

}  // namespace tpx::loader
