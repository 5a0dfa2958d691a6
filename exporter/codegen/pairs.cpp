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
constexpr std::int64_t kPayload = 24;

/// Whether the value is known only where there is a start.
bool reads_start(const typed::TypedExpr& bound) {
  const auto parts = typed::operands(bound);
  return std::holds_alternative<typed::StartValue>(bound.node) ||
         std::any_of(parts.begin(), parts.end(), [](const typed::TypedExpr* part) { return reads_start(*part); });
}

std::int64_t state(SlotState value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

void Pairs::slot_of(const typed::TypedExpr& key) {
  const plan::PairLayout& layout = *metric_.pair;
  out_.comment("key of the pair");
  integers_.value(key, Reg::R0);
  out_.store(Size::Double, kFrame, kPositionSlot, Reg::R0);
  out_.move(kHash, Reg::R0);
  out_.alu(Alu::Lsh, kHash, 2);
  out_.alu(Alu::Or, kHash, state(SlotState::Ready));
  if (layout.hashed) {
    out_.load_immediate(Reg::R1, static_cast<std::int64_t>(kHashMultiplier));
    out_.alu(Alu::Mul, Reg::R0, Reg::R1);
    out_.alu(Alu::Rsh, Reg::R0, 64 - std::countr_zero(layout.slots));
  }
  out_.alu(Alu::And, Reg::R0, std::int64_t{layout.slots} - 1);
  out_.alu(Alu::Mul, Reg::R0, layout.stride());
  out_.load_map(kRow, {metric_.plan.pair_map, 0});
  out_.alu(Alu::Add, kRow, Reg::R0);
}

void Pairs::start(const plan::PairStart& start) {
  Rows counters(context_, metric_.plan);
  Texts texts(context_, integers_);
  const Label collision = out_.new_label();
  const Label restart = out_.new_label();
  const Label done = out_.new_label();
  if (metric_.pair->payload_size > plan::kLargestKey) {
    context_.fail("a pair keeps " + std::to_string(metric_.pair->payload_size) + " bytes of its start, at most " +
                      std::to_string(plan::kLargestKey) + " fit",
                  "capture less, or shorten strings with str(…, 31)");
    return;
  }
  // Captured values first, on the stack: nothing that can fail or take long happens while the slot is claimed.
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
  slot_of(*start.key);
  out_.call(BPF_FUNC_ktime_get_ns);
  out_.store(Size::Double, kFrame, kValueSlot, Reg::R0);
  out_.comment("claim the slot");
  out_.load(Size::Double, Reg::R0, kRow, kOwner);
  out_.move(Reg::R3, Reg::R0);
  out_.move(Reg::R1, Reg::R0);
  out_.alu(Alu::And, Reg::R1, 3);
  out_.jump_if(Cond::Eq, Reg::R1, state(SlotState::Claimed), collision);
  out_.move(Reg::R2, kHash);
  out_.alu(Alu::Xor, Reg::R2, state(SlotState::Ready) ^ state(SlotState::Claimed));
  if (context_.features.fetch_atomics) {
    out_.atomic(Atomic::CompareExchange, Size::Double, kRow, kOwner, Reg::R2);
    out_.jump_if(Cond::Ne, Reg::R0, Reg::R3, collision);
  } else {
    out_.store(Size::Double, kRow, kOwner, Reg::R2);
  }
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
  out_.jump_if(Cond::Eq, Reg::R3, 0, done);
  out_.jump_if(Cond::Eq, Reg::R3, kHash, restart);
  out_.place(collision);
  counters.count_lost(LostReason::PairCollision);
  out_.jump(done);
  out_.place(restart);
  counters.count_lost(LostReason::PairRestart);
  out_.place(done);
}

void Pairs::find(const plan::PairEnd& end, Label none) {
  Rows counters(context_, metric_.plan);
  const Label found = out_.new_label();
  const Label missing = out_.new_label();
  slot_of(*end.key);
  out_.comment("is this its start?");
  out_.load(Size::Double, Reg::R1, kRow, kOwner);
  out_.jump_if(Cond::Ne, Reg::R1, kHash, missing);
  out_.load(Size::Double, Reg::R1, kRow, kKeyWord);
  out_.load(Size::Double, Reg::R2, kFrame, kPositionSlot);
  out_.jump_if(Cond::Eq, Reg::R1, Reg::R2, found);
  out_.place(missing);
  if (end.end_filter && !reads_start(*end.end_filter)) {
    out_.comment("filter of the end");
    integers_.branch(*end.end_filter, none, false);
  }
  counters.count_lost(LostReason::PairNoStart);
  out_.jump(none);
  out_.place(found);
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
}

}  // namespace tpx::codegen
