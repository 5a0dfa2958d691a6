#include "codegen/pairs.h"

#include <linux/bpf.h>

#include <algorithm>
#include <bit>

#include "codegen/rows.h"
#include "codegen/texts.h"
#include "plan/layout.h"

namespace tpx::codegen {

using assembler::Alu;
using assembler::Atomic;
using assembler::Cond;
using assembler::Label;
using assembler::Reg;
using assembler::Size;
using schema::LostReason;
using schema::SlotState;

namespace {

constexpr std::int64_t kOwner = 0;
constexpr std::int64_t kKeyWord = 8;
constexpr std::int64_t kTime = 16;
constexpr std::int64_t kDisplaced = 24;
constexpr std::int64_t kPayload = plan::PairLayout::kHeader;
/// Makes Claimed of Ready.
constexpr std::int64_t kClaim =
    static_cast<std::int64_t>(SlotState::Ready) ^ static_cast<std::int64_t>(SlotState::Claimed);

/// Whether the value is known only where there is a start.
bool reads_start(const typed::TypedExpr& bound) {
  const auto parts = typed::operands(bound);
  return std::holds_alternative<typed::StartValue>(bound.node) ||
         std::any_of(parts.begin(), parts.end(), [](const typed::TypedExpr* part) { return reads_start(*part); });
}

std::int64_t state(SlotState value) {
  return static_cast<std::int64_t>(value);
}

/// How far a hash is shifted to become the index of the home: its upper bits depend on all bits of the key.
int home_shift(const plan::PairLayout& layout) {
  return 64 - std::countr_zero(layout.slots);
}

}  // namespace

void Pairs::home_of(const typed::TypedExpr& key) {
  out_.comment("key of the pair");
  integers_.value(key, Reg::R0);
  out_.store(Size::Double, kFrame, kPositionSlot, Reg::R0);
  out_.move(kHash, Reg::R0);
  out_.alu(Alu::Lsh, kHash, 2);
  out_.alu(Alu::Or, kHash, state(SlotState::Ready));
  out_.load_immediate(Reg::R1, static_cast<std::int64_t>(kHashMultiplier));
  out_.alu(Alu::Mul, Reg::R0, Reg::R1);
  out_.store(Size::Double, kFrame, kProbeSlot, Reg::R0);
  out_.alu(Alu::Rsh, Reg::R0, home_shift(*metric_.pair));
  out_.store(Size::Double, kFrame, kTrySlot, Reg::R0);
  slot_at(kRow);
}

void Pairs::home_index() {
  out_.load(Size::Double, Reg::R0, kFrame, kProbeSlot);
  out_.alu(Alu::Rsh, Reg::R0, home_shift(*metric_.pair));
}

void Pairs::slot_at(Reg address) {
  out_.alu(Alu::Mul, Reg::R0, metric_.pair->stride());
  out_.load_map(address, {metric_.plan.pair_map, 0});
  out_.alu(Alu::Add, address, Reg::R0);
}

/// Double hashing: the distance between the slots is an odd number from the bits of the hash below those of the home, so
/// that keys of one home part at once, and each sequence goes through all slots.
void Pairs::slot_in_sequence() {
  const plan::PairLayout& layout = *metric_.pair;
  out_.load(Size::Double, Reg::R0, kFrame, kProbeSlot);
  out_.move(Reg::R1, Reg::R0);
  out_.alu(Alu::Rsh, Reg::R0, home_shift(layout));
  out_.alu(Alu::Rsh, Reg::R1, home_shift(layout) - std::countr_zero(layout.slots));
  out_.alu(Alu::Or, Reg::R1, 1);
  out_.alu(Alu::Mul, Reg::R1, Reg::R4);
  out_.alu(Alu::Add, Reg::R0, Reg::R1);
  out_.alu(Alu::And, Reg::R0, std::int64_t{layout.slots} - 1);
  out_.move(Reg::R1, Reg::R0);
  slot_at(kRow);
  out_.move(Reg::R0, Reg::R1);
}

void Pairs::match(Label other) {
  out_.load(Size::Double, Reg::R3, kRow, kOwner);
  out_.jump_if(Cond::Ne, Reg::R3, kHash, other);
  out_.load(Size::Double, Reg::R1, kRow, kKeyWord);
  out_.load(Size::Double, Reg::R2, kFrame, kPositionSlot);
  out_.jump_if(Cond::Ne, Reg::R1, Reg::R2, other);
}

void Pairs::find_displaced(Label only_home, Label none) {
  const Label next = out_.new_label();
  out_.comment("may it be in another slot?");
  out_.load(Size::Double, Reg::R1, kRow, kDisplaced);
  out_.jump_if(Cond::Eq, Reg::R1, 0, only_home);
  out_.load_immediate(Reg::R4, 0);
  out_.place(next);
  out_.alu(Alu::Add, Reg::R4, 1);
  out_.jump_if(Cond::Ge, Reg::R4, plan::PairLayout::kProbes, none);
  slot_in_sequence();
  match(next);
}

/// Captured values, on the stack: nothing that can fail or take long happens while the slot is claimed.
void Pairs::keep_values(const plan::PairStart& start) {
  Texts texts(context_, integers_);
  for (const plan::Capture& capture : start.captures) {
    out_.comment("keep a value of the start");
    const std::int64_t offset = kKey + capture.offset;
    if (capture.value->type.kind == schema::ValueType::Kind::Integer) {
      // All 64 bits: the end may read more of them than this start's value has, when starts' types differ.
      integers_.value(*capture.value, Reg::R0);
      out_.store(Size::Double, kFrame, offset, Reg::R0);
    } else {
      texts.zero(offset, capture.size);
      texts.write(*capture.value, offset, capture.size);
    }
  }
}

void Pairs::start(const plan::PairStart& start) {
  Rows counters(context_, metric_.plan);
  const Label other = out_.new_label();
  const Label home = out_.new_label();
  const Label again = out_.new_label();
  const Label absent = out_.new_label();
  const Label full = out_.new_label();
  const Label collision = out_.new_label();
  const Label claimed = out_.new_label();
  const Label done = out_.new_label();
  if (metric_.pair->payload_size > plan::kLargestKey) {
    context_.fail("a pair keeps " + std::to_string(metric_.pair->payload_size) + " bytes of its start, at most " +
                      std::to_string(plan::kLargestKey) + " fit",
                  "capture less, or shorten strings with str(…, 31)");
    return;
  }
  keep_values(start);
  home_of(*start.key);
  out_.call(BPF_FUNC_ktime_get_ns);
  out_.store(Size::Double, kFrame, kValueSlot, Reg::R0);
  out_.comment("a start of this key whose end never came?");
  match(other);
  out_.jump(again);
  out_.place(other);
  out_.alu(Alu::Xor, Reg::R3, kClaim);
  out_.jump_if(Cond::Eq, Reg::R3, kHash, collision);
  find_displaced(home, absent);
  out_.place(again);
  claim(collision);
  counters.count_lost(LostReason::PairRestart);
  out_.jump(claimed);

  out_.place(absent);
  out_.load_immediate(Reg::R4, 0);
  slot_in_sequence();
  out_.place(home);
  claim_empty(full);
  out_.jump(claimed);

  out_.place(full);
  displace(claimed, collision);
  counters.count_lost(LostReason::PairCollision);
  out_.place(claimed);
  write();
  out_.jump(done);
  out_.place(collision);
  counters.count_lost(LostReason::PairCollision);
  out_.place(done);
}

void Pairs::claim(Label lost) {
  out_.move(Reg::R2, kHash);
  out_.alu(Alu::Xor, Reg::R2, kClaim);
  if (context_.features.fetch_atomics) {
    out_.move(Reg::R0, Reg::R3);
    out_.atomic(Atomic::CompareExchange, Size::Double, kRow, kOwner, Reg::R2);
    out_.jump_if(Cond::Ne, Reg::R0, Reg::R3, lost);
  } else {
    out_.store(Size::Double, kRow, kOwner, Reg::R2);
  }
}

void Pairs::claim_empty(Label full) {
  const Label look = out_.new_label();
  const Label next = out_.new_label();
  const Label claimed = out_.new_label();
  out_.load_immediate(Reg::R4, 0);
  out_.place(look);
  out_.comment("claim an empty slot");
  out_.load(Size::Double, Reg::R3, kRow, kOwner);
  out_.jump_if(Cond::Ne, Reg::R3, 0, next);
  claim(next);
  out_.jump_if(Cond::Eq, Reg::R4, 0, claimed);
  home_index();
  count_displaced(1);
  out_.jump(claimed);
  out_.place(next);
  out_.alu(Alu::Add, Reg::R4, 1);
  out_.jump_if(Cond::Ge, Reg::R4, plan::PairLayout::kProbes, full);
  slot_in_sequence();
  out_.jump(look);
  out_.place(claimed);
}

void Pairs::count_displaced(std::int64_t change) {
  slot_at(Reg::R2);
  out_.load_immediate(Reg::R1, change);
  out_.atomic(Atomic::Add, Size::Double, Reg::R2, kDisplaced, Reg::R1);
}

void Pairs::displace(Label empty, Label lost) {
  const Label at_home = out_.new_label();
  out_.comment("all slots are taken: displace the key in the first");
  out_.load_immediate(Reg::R4, 0);
  slot_in_sequence();
  out_.load(Size::Double, Reg::R3, kRow, kOwner);
  out_.move(Reg::R1, Reg::R3);
  out_.alu(Alu::And, Reg::R1, 3);
  out_.jump_if(Cond::Eq, Reg::R1, state(SlotState::Claimed), lost);
  claim(lost);
  out_.jump_if(Cond::Eq, Reg::R3, 0, empty);
  out_.comment("which may have been displaced before");
  home_index();
  out_.move(Reg::R2, Reg::R0);
  out_.load(Size::Double, Reg::R0, kRow, kKeyWord);
  out_.load_immediate(Reg::R1, static_cast<std::int64_t>(kHashMultiplier));
  out_.alu(Alu::Mul, Reg::R0, Reg::R1);
  out_.alu(Alu::Rsh, Reg::R0, home_shift(*metric_.pair));
  out_.jump_if(Cond::Eq, Reg::R0, Reg::R2, at_home);
  count_displaced(-1);
  out_.place(at_home);
}

void Pairs::write() {
  out_.comment("write the start");
  for (const auto& [from, to] : {std::pair(kPositionSlot, kKeyWord), std::pair(kValueSlot, kTime)}) {
    out_.load(Size::Double, Reg::R1, kFrame, from);
    out_.store(Size::Double, kRow, to, Reg::R1);
  }
  for (std::uint32_t word = 0; word < metric_.pair->payload_size; word += 8) {
    out_.load(Size::Double, Reg::R1, kFrame, kKey + word);
    out_.store(Size::Double, kRow, kPayload + word, Reg::R1);
  }
  out_.move(Reg::R1, kHash);
  store_release(context_, Size::Double, kRow, kOwner, Reg::R1);
}

void Pairs::find(const plan::PairEnd& end, Label none) {
  Rows counters(context_, metric_.plan);
  const Label other = out_.new_label();
  const Label found = out_.new_label();
  const Label missing = out_.new_label();
  home_of(*end.key);
  out_.comment("is this its start?");
  match(other);
  out_.jump(found);
  out_.place(other);
  find_displaced(missing, missing);
  out_.store(Size::Double, kFrame, kTrySlot, Reg::R0);
  out_.jump(found);
  out_.place(missing);
  if (end.end_filter && !reads_start(*end.end_filter)) {
    out_.comment("filter of the end");
    integers_.branch(*end.end_filter, none, false);
  }
  if (!end.abandons) {
    counters.count_lost(LostReason::PairNoStart);
  }
  out_.jump(none);
  out_.place(found);
  if (end.abandons) {
    return;
  }
  out_.comment("how long");
  out_.call(BPF_FUNC_ktime_get_ns);
  out_.load(Size::Double, Reg::R1, kRow, kTime);
  const Label forward = out_.new_label();
  out_.alu(Alu::Sub, Reg::R0, Reg::R1);
  // CPUs' clocks may differ by a few nanoseconds: a duration is never negative.
  out_.jump_if(Cond::SGe, Reg::R0, 0, forward);
  out_.load_immediate(Reg::R0, 0);
  out_.place(forward);
  out_.store(Size::Double, kFrame, kValueSlot, Reg::R0);
}

void Pairs::take(Label lost) {
  Rows counters(context_, metric_.plan);
  const Label done = out_.new_label();
  out_.comment("end the pair");
  out_.load_immediate(Reg::R2, 0);
  if (context_.features.fetch_atomics) {
    const Label taken = out_.new_label();
    out_.move(Reg::R0, kHash);
    out_.atomic(Atomic::CompareExchange, Size::Double, kRow, kOwner, Reg::R2);
    out_.jump_if(Cond::Eq, Reg::R0, kHash, taken);
    counters.count_lost(LostReason::PairCollision);
    out_.jump(lost);
    out_.place(taken);
  } else {
    out_.store(Size::Double, kRow, kOwner, Reg::R2);
  }
  home_index();
  out_.load(Size::Double, Reg::R1, kFrame, kTrySlot);
  out_.jump_if(Cond::Eq, Reg::R0, Reg::R1, done);
  count_displaced(-1);
  out_.place(done);
}

}  // namespace tpx::codegen
