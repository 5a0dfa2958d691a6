#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "loader/program.h"
#include "plan/program_plan.h"

namespace tpx::loader {

/// An attach point whose program is replaced while it counts: a stub that stays attached, and the program that counts in a
/// PROG_ARRAY (the slot), from which the stub calls it. A replacement is one map update: each event runs the old program or
/// the new one, never both and never none. One thread at a time.
/// See docs/design/continuity.md.
class AttachSlot {
 public:
  /// Loads the stub with an empty slot; nothing is attached. Fails where the kernel can't tail-call programs of this type
  /// (`by_verifier`, or another errno than those of is_shortage()).
  [[nodiscard]] static Result<std::shared_ptr<AttachSlot>> make(const plan::AttachPoint& point);

  /// One that counts already: its slot, stub and link, for example from pins.
  [[nodiscard]] static std::shared_ptr<AttachSlot> adopt(plan::AttachPoint point, UniqueFd slot, LoadedProgram stub);

  /// Whether the kernel accepts the program in this slot, without running it. The slot keeps a reference to the program
  /// until the next call or forget().
  [[nodiscard]] Result<void> try_out(int program) const;
  /// Drops the reference of try_out(). Waits for a grace period.
  void forget() const;
  /// From now on this program counts. Programs that started before may still run.
  [[nodiscard]] Result<void> put(int program) const;
  /// Attaches the stub.
  [[nodiscard]] Result<void> attach() { return stub_.attach(point_); }

  /// Of the stub: over all programs that were in the slot.
  [[nodiscard]] Result<LoadedProgram::Statistics> statistics() const { return stub_.statistics(); }
  [[nodiscard]] int slot_descriptor() const { return slot_.get(); }
  [[nodiscard]] const LoadedProgram& stub() const { return stub_; }

 private:
  explicit AttachSlot(plan::AttachPoint point) : point_(std::move(point)) {}

  plan::AttachPoint point_;
  UniqueFd slot_;  ///< element 0 counts, element 1 is for try_out()
  LoadedProgram stub_;
};

}  // namespace tpx::loader
