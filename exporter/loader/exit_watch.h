#pragma once

#include <cstdint>
#include <functional>

#include "base/error.h"
#include "codegen/exits.h"
#include "kernel/features.h"
#include "loader/exit_echo.h"
#include "loader/program.h"
#include "loader/region.h"
#include "plan/program_plan.h"

namespace tpx::loader {

/// Notes in the kernel which threads and processes are over, from start() until it dies. Needs neither /proc nor the host's
/// pid namespace, and loses nothing: there is a mark for each possible id. Takes 1 MiB (4 MiB before Linux 5.12).
/// Move-only; used by one thread at a time.
/// See docs/design/series-expiry.md.
class ExitWatch {
 public:
  /// With Attach::No the programs are only loaded.
  [[nodiscard]] static Result<ExitWatch> start(const plan::ExitPlan& plan, const kernel::Features& features,
                                               Attach attach = Attach::Yes);

  /// Whether a watch by this plan would be the same.
  [[nodiscard]] bool follows(const plan::ExitPlan& plan) const;

  /// Adds the ids that are over: those of tasks freed since the last call, of which all they counted is in the maps by now;
  /// and again all whose exit or end was seen, one to three seconds later, when a row of such a task is too young to be
  /// exposed yet, and some seconds after that (see ExitEcho). One that was given to a new task
  /// meanwhile is among them too.
  void take(ExitEcho::Time now, Ids& ids);

  /// Whether the exit of the id was seen, now or in the last seconds, even before take() returns it. A new task may already
  /// have the id.
  [[nodiscard]] bool is_over(std::uint32_t id) const;

 private:
  [[nodiscard]] Result<LoadedProgram> load(const plan::ExitPlan& plan, codegen::ExitMark mark,
                                           const kernel::Features& features, Attach attach) const;

  plan::ExitPlan plan_;
  Region marks_;
  std::uint32_t bits_ = 2;
  LoadedProgram exit_;
  LoadedProgram free_;
  ExitEcho soon_{std::chrono::seconds(1)};
  ExitEcho late_;
};

/// Calls `seen` with each id that is marked in the word that starts at id `first`, and its field of `bits` (2 or 8) bits.
void for_each_mark(std::uint64_t word, std::uint32_t first, std::uint32_t bits,
                   const std::function<void(std::uint32_t id, std::uint32_t marks)>& seen);

}  // namespace tpx::loader
