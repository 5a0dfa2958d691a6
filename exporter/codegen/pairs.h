#pragma once

#include "codegen/context.h"
#include "codegen/integers.h"
#include "plan/program_plan.h"

namespace tpx::codegen {

/// The slots in which pairs keep their starts (plan::PairLayout).
/// See docs/design/pairs.md.
class Pairs {
 public:
  Pairs(Context& context, Integers& integers, const plan::PlannedMetric& metric)
      : context_(context), out_(context.out), integers_(integers), metric_(metric) {}

  /// Keeps a start: its key, the time and what is captured. What it displaces is counted.
  void start(const plan::PairStart& start);

  /// Finds the start of the end's key: kRow is its slot, whose payload may be read until take(). Else the event is counted
  /// as an end without a start, unless the end's filter refuses it, and control goes to `none`. Leaves the time since the
  /// start in kValueSlot.
  void find(const plan::PairEnd& end, assembler::Label none);

  /// Ends the pair in kRow; to `lost` (counted as a collision) when another start took the slot since find().
  void take(assembler::Label lost);

 private:
  /// kRow = the slot, kHash = key << 2 | Ready, kPositionSlot = the key.
  void slot_of(const typed::TypedExpr& key);

  Context& context_;
  assembler::Program& out_;
  Integers& integers_;
  const plan::PlannedMetric& metric_;
};

}  // namespace tpx::codegen
