#pragma once

#include <cstdint>
#include <unordered_set>

#include "base/error.h"
#include "kernel/features.h"
#include "loader/program.h"
#include "loader/region.h"
#include "plan/program_plan.h"

namespace tpx::loader {

/// Ids of threads and processes, as the kernel's own namespace numbers them.
using Ids = std::unordered_set<std::uint32_t>;

/// Notes in the kernel which threads and processes are over, from start() until it dies. Needs neither /proc nor the host's
/// pid namespace, and loses nothing: there is a mark for each possible id. Takes 512 KiB (4 MiB before Linux 5.12).
/// Move-only; used by one thread at a time.
class ExitWatch {
 public:
  [[nodiscard]] static Result<ExitWatch> start(const plan::ExitPlan& plan, const kernel::Features& features);

  /// Adds the ids that ended since the last call. All they counted is in the maps by now: an id is marked after its last
  /// event. One that was given to a new task meanwhile is among them too.
  void take(Ids& ids) const;

 private:
  Region marks_;
  std::uint32_t bits_ = 1;
  LoadedProgram program_;
};

/// Adds the ids whose marks, of `bits` (1 or 8) bits each, are set in the word that starts at id `first`.
void add_marked(Ids& ids, std::uint64_t word, std::uint32_t first, std::uint32_t bits);

}  // namespace tpx::loader
