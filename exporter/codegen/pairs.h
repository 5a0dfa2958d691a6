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

  /// Finds the start of the end's key: kRow is its slot, kTrySlot the slot's index. The payload may be read until take(). Else the event is counted
  /// as an end without a start, unless the end's filter refuses it or it abandons, and control goes to `none`. Leaves the time since the
  /// start in kValueSlot.
  void find(const plan::PairEnd& end, assembler::Label none);

  /// Ends the pair in kRow; to `lost` (counted as a collision) when another start took the slot since find().
  void take(assembler::Label lost);

 private:
  /// kRow = the home of the key, kHash = key << 2 | Ready, kPositionSlot = the key, kProbeSlot = its hash, kTrySlot = the
  /// index of its home.
  void home_of(const typed::TypedExpr& key);
  /// R0 = the index of the home.
  void home_index();
  /// kRow = slot number R4 of the key's probe sequence (0: its home), R0 = its index. Destroys R1.
  void slot_in_sequence();
  /// R0 = an index: becomes the slot's address in `address`.
  void slot_at(assembler::Reg address);
  /// To `other` unless the slot in kRow holds a start of this key. Leaves the owner word in R3; destroys R1 and R2.
  void match(assembler::Label other);
  /// Looks for the key in the slots after its home, which kRow is: kRow = the slot, R0 = its index. To `only_home` at once
  /// where no key of this home lies elsewhere, and to `none` after the search.
  void find_displaced(assembler::Label only_home, assembler::Label none);
  void keep_values(const plan::PairStart& start);
  /// Claims an empty slot of the sequence for kHash, beginning with the home in kRow; to `full` when there is none.
  void claim_empty(assembler::Label full);
  /// Claims kRow, which holds the owner word in R3; to `lost` when another changes it meanwhile.
  void claim(assembler::Label lost);
  /// Claims the home, whatever key is in it, which is lost; to `empty` when there is none any more, to `lost` as claim().
  void displace(assembler::Label empty, assembler::Label lost);
  /// Adds to the number of displaced keys of the home whose index is in R0. Destroys R0 to R2.
  void count_displaced(std::int64_t change);
  /// Writes the start into the slot that is claimed, and makes it Ready.
  void write();

  Context& context_;
  assembler::Program& out_;
  Integers& integers_;
  const plan::PlannedMetric& metric_;
};

}  // namespace tpx::codegen
